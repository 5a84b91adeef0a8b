import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '../../test/fakes/memory-store.ts'
import { waitFor } from '../../test/fakes/wait-for.ts'
import type { Logger } from '../core/index.ts'
import { createAuditTrail } from './audit-trail.ts'

const event = {
  user: 'alice',
  action: 'stop',
  cluster: 'c',
  owner: 'alice',
  address: '::1',
  message: '',
}
const all = { after: null, before: null, limit: 10, user: null, cluster: null }

function trailOn(store: MemoryStore) {
  const warnings: string[] = []
  const logger: Logger = {
    ...{ debug() {}, info() {}, error() {} },
    warn: (message) => warnings.push(message),
    with: () => logger,
  }
  return { trail: createAuditTrail(store, logger), warnings }
}

test('what is done at once is kept in its order, and who waits is told', async () => {
  const store = new MemoryStore()
  const { trail } = trailOn(store)
  const told = trail.whenRecorded(new AbortController().signal)
  for (const action of ['create', 'scale', 'stop']) trail.record({ ...event, action })
  await told
  await waitFor('all three', () => store.audits.length === 3)
  assert.deepEqual(
    (await trail.page(all)).map(({ action }) => action),
    ['stop', 'scale', 'create'],
  )
})

test('a store that cannot be written costs a warning, and later actions are kept', async () => {
  const store = new MemoryStore()
  const { trail, warnings } = trailOn(store)
  store.failing = true
  trail.record(event)
  await waitFor('the warning', () => warnings.length === 1)
  store.failing = false
  trail.record(event)
  await waitFor('the second', () => store.audits.length === 1)
})

test('whoever waits for nothing any more is let go', async () => {
  const { trail } = trailOn(new MemoryStore())
  const gone = new AbortController()
  const waiting = trail.whenRecorded(gone.signal)
  gone.abort()
  await waiting
  await trail.whenRecorded(gone.signal)
})

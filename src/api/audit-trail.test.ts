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
    ...{ debug() {}, info() {}, warn() {} },
    error: (message) => warnings.push(message),
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

test('a store that cannot be written is told of, holds nobody up, and gets all of it later', async () => {
  const store = new MemoryStore()
  const { trail, warnings } = trailOn(store)
  store.failing = true
  trail.record(event)
  await waitFor('the warning', () => warnings.length === 1)
  trail.record({ ...event, action: 'create' })
  assert.equal(trail.state().unwritten, 2)
  store.failing = false
  await waitFor('both', () => store.audits.length === 2)
  assert.deepEqual(
    store.audits.map(({ action }) => action),
    ['stop', 'create'],
  )
  assert.equal(trail.state().unwritten, 0)
})

test('what is left when the gateway ends is written then', async () => {
  const store = new MemoryStore()
  const { trail } = trailOn(store)
  store.failing = true
  trail.record(event)
  setTimeout(() => {
    store.failing = false
  }, 300)
  await trail.close()
  assert.equal(store.audits.length, 1)
})

test('whoever waits for nothing any more is let go', async () => {
  const { trail } = trailOn(new MemoryStore())
  const gone = new AbortController()
  const waiting = trail.whenRecorded(gone.signal)
  gone.abort()
  await waiting
  await trail.whenRecorded(gone.signal)
})

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MemoryStore } from '../../test/fakes/memory-store.ts'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { createTestClusters } from '../../test/support/test-clusters.ts'
import type { Cluster } from '../core/index.ts'
import { QuotaLedger } from './quota-ledger.ts'
import { Records } from './records.ts'
import { searchClusters } from './search-clusters.ts'

const alice = { name: 'alice', groups: [], admin: false }
const boss = { name: 'boss', groups: [], admin: true }
const everything = { username: null, statuses: null, text: null, after: null, limit: 100 }

async function manyRecords(t: TestContext, count: number): Promise<Records> {
  const { cluster } = await createTestClusters(t)
  const store = new MemoryStore()
  for (let index = 0; index < count; index++) {
    const name = index.toString(16).padStart(32, '0')
    const changed: Partial<Cluster> = {
      name,
      username: `user${index % 100}`,
      startTime: Math.floor(index / 3),
      ...(index % 2 === 0 ? { status: 'failed', reason: `Fault ${index}`, stopTime: 1 } : {}),
    }
    store.clusters.set(name, { ...cluster, ...changed })
  }
  const records = new Records(store, new QuotaLedger())
  await records.load({
    put: () => 1,
    remove: () => 1,
    whenAcknowledged: async () => [],
    clientsOf: () => ({ state: 'unknown' }),
  })
  return records
}

test('of 10,000 clusters every page comes quickly, each cluster once, the newest first', async (t) => {
  const records = await manyRecords(t, 10_000)
  const seen: string[] = []
  let slowestMs = 0
  let after: Parameters<typeof searchClusters>[1]['after'] = null
  do {
    const begunAt = performance.now()
    const page = searchClusters(records, { ...everything, after })
    slowestMs = Math.max(slowestMs, performance.now() - begunAt)
    assert.equal(page.total, 10_000)
    seen.push(...page.clusters.map(({ cluster }) => cluster.name))
    after = page.next
  } while (after !== null)
  assert.equal(new Set(seen).size, 10_000)
  assert.equal(seen[0]?.endsWith('270f'), true)
  t.diagnostic(`the slowest of 100 pages took ${slowestMs.toFixed(1)} ms`)
  assert.ok(slowestMs < 500)
})

test('a search filters by user, status and text', async (t) => {
  const records = await manyRecords(t, 1000)
  const total = (search: object) => searchClusters(records, { ...everything, ...search }).total
  assert.equal(total({ username: 'user7' }), 10)
  assert.equal(total({ username: 'user' }), 0)
  assert.equal(total({ statuses: ['FAILED'] }), 500)
  assert.equal(total({ text: 'FAULT 99' }), 5)
  assert.equal(total({ text: 'user7', statuses: ['PENDING'] }), 60)
  const last = searchClusters(records, { ...everything, username: 'user7', limit: 10 })
  assert.equal(last.next, null)
})

test('details tell what a cluster waits for, and nothing once it runs or has ended', async (t) => {
  const { clusters, cluster, backend } = await createTestClusters(t)
  const { service } = clusters
  const id = cluster.attempt?.id ?? ''
  assert.equal(service.details(alice, cluster.name).pendingReason, 'The scheduler starts')
  backend.set(id, { state: 'pending', reason: 'Too few nodes' })
  await waitFor(
    'the word of the queue',
    () => service.details(alice, cluster.name).pendingReason === 'Too few nodes',
  )
  assert.throws(() => service.details(boss, cluster.name), { code: 'forbidden' })
  await service.stopAs(boss, cluster.name)
  await waitFor('the end', () => service.get(alice, cluster.name).shown === 'STOPPED')
  const { cluster: ended, pendingReason, cores } = service.details(alice, cluster.name)
  assert.deepEqual(
    [ended.reason, pendingReason, cores],
    ['Stopped by the administrator boss', null, 0],
  )
})

test('who follows is told what changed since, and all of it when that is not known', async (t) => {
  const { clusters, cluster, store } = await createTestClusters(t)
  const { service } = clusters
  const never = new AbortController().signal
  const first = service.changes(alice, null)
  assert.deepEqual([first.isSnapshot, first.clusters.length], [true, 1])
  assert.equal(service.changes({ ...alice, name: 'bob' }, null).clusters.length, 0)
  const nothing = service.changes(alice, first.position)
  assert.deepEqual([nothing.isSnapshot, nothing.clusters.length], [false, 0])
  const waiting = service.whenChanged(alice, first.position, never)
  await service.stop(alice, cluster.name)
  await waiting
  const second = service.changes(alice, first.position)
  assert.deepEqual([second.isSnapshot, second.clusters[0]?.cluster.target], [false, 'stopped'])
  assert.equal(service.changes(alice, { epoch: 'f'.repeat(16), version: 1 }).isSnapshot, true)
  assert.equal(service.changes(alice, { ...first.position, version: 1e9 }).isSnapshot, true)
  await waitFor('the end', () => store.clusters.get(cluster.name)?.status === 'stopped')
  const { events, isOver } = await service.nextEvents(alice, cluster.name, 0, 100, never)
  assert.ok(isOver && events.length > 2)
})

test('a drain refuses new clusters in a sentence, and lets those that exist be', async (t) => {
  const { clusters, cluster, store } = await createTestClusters(t)
  const { service } = clusters
  await service.setDrain({ since: 1, by: 'boss', message: 'New disks' })
  assert.deepEqual(store.drain, { since: 1, by: 'boss', message: 'New disks' })
  await assert.rejects(service.create(alice, {}), {
    code: 'conflict',
    message: 'No new clusters are taken at the moment: New disks. Those that exist go on.',
  })
  assert.equal(service.get(alice, cluster.name).shown, 'PENDING')
  await service.setDrain(null)
  await service.create(alice, {})
})

test('a log is followed by positions, from the backend and then from what was kept', async (t) => {
  const { clusters, cluster, backend, store } = await createTestClusters(t)
  const { service } = clusters
  const piece = async (from: number | null, maxBytes = 100) => {
    const {
      from: at,
      bytes,
      isOver,
    } = await service.logPiece(alice, cluster.name, null, from, maxBytes)
    return [at, bytes.toString(), isOver]
  }
  assert.deepEqual(await piece(null), [0, '', false])
  backend.logTexts.set('scheduler', '0123456789')
  assert.deepEqual(await piece(null, 4), [6, '6789', false])
  assert.deepEqual(await piece(6, 2), [6, '67', false])
  assert.deepEqual(await piece(10), [10, '', false])
  backend.logTexts.set('scheduler', 'anew')
  assert.deepEqual(await piece(10), [0, 'anew', false])
  await service.stop(alice, cluster.name)
  await waitFor('the end', () => store.clusters.get(cluster.name)?.status === 'stopped')
  assert.deepEqual(await piece(2), [2, 'ew', true])
  assert.deepEqual(await piece(4), [4, '', true])
  await assert.rejects(service.logPiece(alice, cluster.name, 'x', null, 1), { code: 'not-found' })
})

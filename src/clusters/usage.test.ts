import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleCluster, sampleWorker } from '../../test/contracts/store.ts'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { createTestClusters } from '../../test/support/test-clusters.ts'
import type { Attempt, Observation, UsageQuery } from '../core/index.ts'
import { type AttemptFacts, newAttemptFacts } from './situation.ts'
import { begun, endedUsage, factsOfTimes, isAbsurd, runningUsage } from './usage.ts'

const now = Date.parse('2026-05-01T12:00:00Z')
const hour = 3_600_000
const attempt = (id: string, runningSince: number | null): Attempt => ({
  ...{ id, createdAt: now - 10 * hour, handle: 1, runningSince },
})
const ran = attempt('s', now - 2 * hour)
const facts = (each: Partial<AttemptFacts> = {}, id = 's') => ({
  attempts: new Map([[id, { ...newAttemptFacts(0), ...each }]]),
})
const running = (since: number | null): Observation => ({
  ...{ state: 'running', since, nodeAddresses: [] },
})
const gone = (since: number | null, at: number | null): Observation => ({
  ...{ state: 'gone', reason: 'ended', exitCode: 0, since, at },
})

test('the start is the first that is known, by a record or by the backend, and never before the attempt', () => {
  const born = { createdAt: now - hour }
  const since = (observation: Observation, known?: AttemptFacts) =>
    factsOfTimes(observation, born, known, now).runningSince
  assert.equal(since(running(null)), now)
  assert.equal(since(running(now - 500)), now - 500)
  for (const wrong of [0, -1e15, now - 2 * hour]) assert.equal(since(running(wrong)), now - hour)
  for (const wrong of [now + 1, 1e15]) assert.equal(since(running(wrong)), now)
  assert.equal(since(running(now), { ...newAttemptFacts(0), runningSince: 7 }), 7)
  assert.equal(since(gone(null, null)), null)
  assert.equal(since(gone(now - 500, null)), now - 500)
  // A record of a time when the clock was wrong: nothing is known but now.
  const wrong = { createdAt: 1000 }
  assert.equal(factsOfTimes(running(2000), wrong, undefined, now).runningSince, now)
})

test('the end is what the backend tells, but not before it was last seen to run, nor in the future', () => {
  const end = (at: number | null, seenRunningAt: number | null) =>
    factsOfTimes(
      gone(null, at),
      ran,
      { ...newAttemptFacts(0), runningSince: now - hour, seenRunningAt },
      now,
    ).goneAt
  assert.equal(end(null, null), now)
  assert.equal(end(now - 5, null), now - 5)
  assert.equal(end(now - 5, now - 3), now - 3)
  assert.equal(end(now + 5, null), now)
  const again = { ...newAttemptFacts(0), goneAt: 7 }
  assert.equal(factsOfTimes(gone(null, null), ran, again, now).goneAt, 7)
})

test('what a change of records ends is counted, once, and nothing else', () => {
  const cluster = sampleCluster(1, { attempt: ran })
  const workers = new Map(
    [
      sampleWorker(1, 1, { attempt: attempt('w', now - hour) }),
      sampleWorker(2, 1, { attempt: attempt('never', null) }),
      sampleWorker(3, 1, { status: 'stopped', attempt: attempt('x', now - hour) }),
    ].map((worker) => [worker.name, worker]),
  )
  const ended = [...workers.values()].map((worker) => ({ ...worker, status: 'stopped' as const }))
  const [worker] = endedUsage({ cluster, workers }, { workers: ended }, facts(), now)
  assert.deepEqual(worker, {
    ...{ day: '2026-05-01', username: 'alice', groups: ['a, b', 'c'], labels: { project: 'x' } },
    ...{ clusterMs: 0, workerMs: hour, coreMs: hour, memoryByteMs: hour * 2 ** 31 },
  })
  const [scheduler] = endedUsage(
    { cluster, workers },
    { cluster: { ...cluster, status: 'failed' } },
    facts({ goneAt: now - hour }),
    now,
  )
  assert.equal(scheduler?.clusterMs, hour)
  const changes = [
    { cluster: { ...cluster, count: 3 } },
    { workers: [...workers.values()].map((each) => ({ ...each, target: 'stopped' as const })) },
    { cluster: { ...cluster, attempt: { ...ran, handle: 2 } } },
  ]
  for (const change of changes)
    assert.deepEqual(endedUsage({ cluster, workers }, change, facts(), now), [])
  const final = { ...cluster, status: 'stopped' as const }
  assert.deepEqual(endedUsage({ cluster: final, workers }, { cluster: final }, facts(), now), [])
  const another = { cluster: { ...cluster, attempt: attempt('other', null) } }
  assert.equal(endedUsage({ cluster, workers }, another, facts(), now)[0]?.clusterMs, 2 * hour)
})

test('clocks that jumped over a restart: a start in the future or years ago counts from the restart', () => {
  assert.ok(isAbsurd(attempt('s', now + 1), now))
  assert.ok(isAbsurd(attempt('s', 1000), now))
  assert.ok(!isAbsurd(ran, now))
  assert.ok(!isAbsurd(attempt('s', null), now))
  for (const since of [now + 99 * hour, 1000]) {
    const cluster = sampleCluster(1, { attempt: attempt('s', since) })
    const [used] = runningUsage(
      { cluster, workers: new Map(), facts: facts({ countFrom: now - 5, runningSince: since }) },
      now,
    )
    assert.equal(used?.clusterMs, 5)
  }
  // An end that would lie before the start is no time, not a negative one.
  const backwards = { cluster: sampleCluster(1, { attempt: ran }), workers: new Map() }
  const before = facts({ goneAt: now - 3 * hour })
  assert.deepEqual(runningUsage({ ...backwards, facts: before }, now), [])
})

test('the first heartbeat writes down when it began, once', () => {
  const cluster = sampleCluster(1, { attempt: attempt('s', null) })
  const written = begun(cluster, facts({ runningSince: 7 }), now)
  assert.equal(written.attempt?.runningSince, 7)
  assert.equal(begun(cluster, { attempts: new Map() }, now).attempt?.runningSince, now)
  assert.equal(begun(written, facts({ runningSince: 9 }), now), written)
  const waiting = { ...cluster, status: 'submitted' as const }
  assert.equal(begun(waiting, facts(), now), waiting)
})

test('a life adds up, while the clock of the system jumps about', async (t) => {
  const dateNow = Date.now
  t.after(() => {
    Date.now = dateNow
  })
  const { clusters, cluster, store, backend } = await createTestClusters(t)
  const day = 86_400_000
  let jump = 0
  Date.now = () => dateNow() + jump
  const begin = performance.now()
  await clusters.service.heartbeat(
    cluster.name,
    cluster.token,
    {
      ...{ schedulerAddress: 'tls://127.0.0.1:1', dashboardAddress: '', count: 2 },
      ...{ apiAddress: 'http://127.0.0.1:2', activeWorkers: [] },
      ...{ closingWorkers: [], closedWorkers: [] },
    },
    '127.0.0.1',
  )
  jump = 700 * day
  await waitFor(
    'two started workers',
    () =>
      [...store.workers.values()].every(({ status }) => status === 'submitted') &&
      store.workers.size === 2,
  )
  clusters.wake()
  await waitFor('two workers that are seen', async () => (await used()).workerMs > 100)
  jump = -700 * day
  const alice = { name: 'alice', groups: [], admin: false }
  await clusters.service.stop(alice, cluster.name)
  await waitFor('its end', () => store.clusters.get(cluster.name)?.status === 'stopped')
  const took = performance.now() - begin
  const { clusterMs, workerMs } = await used()
  assert.ok(clusterMs > 50 && clusterMs <= took + 100, `${clusterMs} of ${took}`)
  assert.ok(workerMs > 100 && workerMs <= 2 * took + 100, `${workerMs} of ${took}`)
  assert.equal(backend.alive, 0)
  await new Promise((done) => setTimeout(done, 20))
  assert.deepEqual(await used(), { clusterMs, workerMs })

  async function used() {
    const by: UsageQuery['by'] = new Set()
    const query = { from: '0000-01-01', to: '9999-12-31', username: 'alice', by }
    const [sum] = await clusters.service.usage(query)
    return { clusterMs: sum?.clusterMs ?? 0, workerMs: sum?.workerMs ?? 0 }
  }
})

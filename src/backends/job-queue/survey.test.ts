import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ObjectRef } from '../../core/index.ts'
import type { Account } from '../account.ts'
import { pbsQueue } from '../pbs/pbs-queue.ts'
import { Batches } from './batches.ts'
import type { CallLauncher } from './launcher-call.ts'
import { JobWatch, type JobWatchParts } from './observe-jobs.ts'
import { type OwnJob, Survey } from './survey.ts'
import { StrayJobs } from './sweep-jobs.ts'

const signal = AbortSignal.timeout(60_000)
const ref = (overrides: Partial<ObjectRef> = {}): ObjectRef => ({
  ...{ clusterName: 'c', username: 'alice', workerName: null, attemptId: 'a', createdAt: 0 },
  handle: { job: '7', log: 'x.log', uid: 1000 },
  ...overrides,
})
const job = (overrides: Partial<OwnJob> = {}): OwnJob => ({
  ...{ id: '7', name: 'dg', username: 'alice', state: 'running', attemptId: 'a' },
  ...{ reason: null, exitCode: null, node: 'n0' },
  ...overrides,
})
const watch = (parts: Partial<JobWatchParts>) =>
  new JobWatch({
    all: async () => [],
    asUser: async () => [],
    nodes: { of: async (node) => [`address of ${node}`] },
    notes: { of: () => null },
    ...parts,
  })
const observe = async (watched: JobWatch, each = ref()) =>
  (await watched.observe([each], signal)).get(each.attemptId)

test('a job that runs has the addresses of its node', async () => {
  assert.deepEqual(await observe(watch({ all: async () => [job()] })), {
    ...{ state: 'running', since: null, nodeAddresses: ['address of n0'] },
  })
})

test('a failure tells nothing, however often', async () => {
  const all = async () => assert.fail('the controller is down')
  const watched = watch({ all })
  for (const _ of [1, 2, 3])
    assert.deepEqual(await observe(watched), { state: 'unknown', reason: 'the controller is down' })
  const asUser = async () => assert.fail('no such user')
  for (const _ of [1, 2, 3]) assert.equal((await observe(watch({ asUser })))?.state, 'unknown')
})

test('a job that the gateway may not see is told of by its owner', async () => {
  const asUser = async () => [job()]
  assert.equal((await observe(watch({ asUser })))?.state, 'running')
})

test('a job is gone when its owner misses it twice, and only after a while', async () => {
  const watched = watch({})
  assert.equal((await observe(watched))?.state, 'unknown')
  assert.equal((await observe(watched))?.state, 'gone')
  const young = ref({ createdAt: Date.now() })
  for (const _ of [1, 2, 3]) assert.equal((await observe(watched, young))?.state, 'unknown')
})

test('two misses count only in a row', async () => {
  let jobs: OwnJob[] = []
  const watched = watch({ asUser: async () => jobs })
  assert.equal((await observe(watched))?.state, 'unknown')
  jobs = [job()]
  assert.equal((await observe(watched))?.state, 'running')
  jobs = []
  assert.equal((await observe(watched))?.state, 'unknown')
})

test('another attempt’s job under the same id is another job', async () => {
  const watched = watch({ all: async () => [job({ attemptId: 'b' })] })
  assert.equal((await observe(watched))?.state, 'unknown')
})

test('which jobs the last look was for is known, whatever it told', async () => {
  const watched = watch({ all: async () => assert.fail('the controller is down') })
  assert.ok(!watched.isWatched('7'))
  await observe(watched)
  assert.deepEqual([watched.isWatched('7'), watched.isWatched('8')], [true, false])
  await observe(watched, ref({ handle: { job: '8', log: 'x.log', uid: 1000 } }))
  assert.deepEqual([watched.isWatched('7'), watched.isWatched('8')], [false, true])
})

test('strays are those that were missed before, long enough', () => {
  const strays = new StrayJobs()
  const jobs = [job(), job({ id: '8', attemptId: 'b' }), job({ id: '9_0', attemptId: null })]
  const find = (minAgeMs: number, now: number) =>
    strays.find(jobs, (id) => id === 'a', minAgeMs, now).map(({ id }) => id)
  assert.deepEqual(find(0, 100), [])
  assert.deepEqual(find(200, 250), [])
  assert.deepEqual(find(200, 300), ['8', '9_0'])
})

test('a PBS without history tells of jobs that run all the same', async () => {
  const asked: unknown[] = []
  const call = async (_account: unknown, request: unknown) => {
    const { ids } = request as { ids?: readonly string[] }
    asked.push(ids)
    const { returncode, stdout, stderr } = recorded(
      ids === undefined ? 'maxq-state' : 'nohistory-qstat-json',
    )
    return { ok: true, cut: false, outcome: 'answered', returncode, stdout, stderr }
  }
  const survey = new Survey({
    ...{ queue: pbsQueue, commands: {}, instanceId, call: call as unknown as CallLauncher },
    batches: new Batches('/nowhere'),
  })
  const account = { name: 'alice' } as Account
  const jobs = await survey.asUser(account, ['92.pbs'], signal)
  assert.deepEqual([asked, jobs.map(({ id }) => id)], [[['92.pbs'], undefined], ['92.pbs']])
})

test('an answer for all that cannot be read tells of nobody, and does not hide what owners are told', async () => {
  const text = JSON.stringify({ outcome: 'broken by a job of somebody else' }).slice(0, -1)
  const survey = (script: string) =>
    new Survey({
      ...{ queue: { ...pbsQueue, statusArguments: () => ['-c', script] }, instanceId },
      ...{ commands: { status: '/bin/sh' }, batches: new Batches('/nowhere') },
      call: async () => assert.fail('nobody is asked'),
    })
  assert.deepEqual(await survey(`echo '${text}'`).all(null, signal), [])
  await assert.rejects(
    survey('echo cannot connect >&2; exit 162').all(null, signal),
    /cannot connect/,
  )
})

const instanceId = '0'.repeat(32)

/** With a job of ours in place of the recorded name. */
function recorded(name: string) {
  const path = join(import.meta.dirname, '../pbs/fixtures', `${name}.json`)
  const { returncode, stdout, stderr } = JSON.parse(readFileSync(path, 'utf8'))
  const ours = stdout.replace(
    '"Job_Name":\t"d"',
    `"Job_Name":\t"dg-${instanceId}-${'a'.repeat(16)}"`,
  )
  return { returncode, stdout: ours, stderr }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectRef } from '../../core/index.ts'
import { AttemptFinder, type FindParts } from './find-attempts.ts'
import type { OwnJob } from './survey.ts'

const signal = AbortSignal.timeout(60_000)
const account = {
  ...{ name: 'alice', uid: 1000, gid: 1000, home: '/home/alice', shell: '/bin/sh', own: false },
}
const ref: ObjectRef = {
  ...{ clusterName: 'c', username: 'alice', workerName: 'w', attemptId: 'a', createdAt: 0 },
  handle: null,
}
const job: OwnJob = {
  ...{ id: '7_2', name: 'leader', username: 'alice', state: 'pending', attemptId: 'a' },
  ...{ reason: null, exitCode: null, node: null },
}
const finder = (parts: Partial<FindParts>) =>
  new AttemptFinder({
    jobsOf: async () => [],
    stagingOf: () => ({ root: '/s', cluster: 'c' }),
    claim: async (_account, _staging, ids) => ids,
    attemptOfName: (name) => name,
    indexOf: (id) => Number(id.split('_')[1]),
    ...parts,
  })
const find = async (each: AttemptFinder) => (await each.find(account, [ref], signal)).get('a')
const handle = { job: '7_2', log: 'worker-leader.log-2', uid: 1000 }

test('a task whose answer was lost is found with its log', async () => {
  assert.deepEqual(await find(finder({ jobsOf: async () => [job] })), { state: 'found', handle })
})

test('a job of somebody else that has our name is not ours', async () => {
  const jobsOf = async () => [{ ...job, username: 'bob' }]
  assert.deepEqual(await find(finder({ jobsOf })), { state: 'absent' })
})

test('what is absent is given up, and stays absent when its job comes late', async () => {
  let jobs: OwnJob[] = []
  const each = finder({ jobsOf: async () => jobs })
  assert.deepEqual(await find(each), { state: 'absent' })
  assert.ok(each.isGivenUp('a'))
  jobs = [job]
  assert.deepEqual(await find(each), { state: 'absent' })
})

test('a job that begins while it is looked for is found', async () => {
  const answers = [[], [job]]
  const each = finder({ jobsOf: async () => answers.shift() ?? [], claim: async () => [] })
  assert.deepEqual(await find(each), { state: 'found', handle })
})

test('of what was never about to be submitted, no claim is needed', async () => {
  const each = finder({ stagingOf: () => null, claim: async () => assert.fail() })
  assert.deepEqual(await find(each), { state: 'absent' })
})

test('a failure tells nothing', async () => {
  await assert.rejects(find(finder({ jobsOf: () => Promise.reject(new Error('down')) })), /down/)
  await assert.rejects(find(finder({ claim: () => Promise.reject(new Error('no')) })), /no/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slurmQueue } from '../../slurm/slurm-queue.ts'
import type { SeenJob } from '../seen-job.ts'
import { markedOf } from './marked-jobs.ts'

test("jobs of any gateway's, and of the old server's, that have not ended", () => {
  const [id, leader] = ['a'.repeat(32), 'b'.repeat(16)]
  const job = (change: Partial<SeenJob>): SeenJob => ({
    ...{ id: '7', name: `dg-${id}-${leader}`, username: 'alice', state: 'running' },
    ...{ reason: null, exitCode: null, node: null },
    ...change,
  })
  const jobs = [
    job({}),
    job({ id: '8_1', state: 'pending' }),
    job({ id: '8_2' }),
    job({ id: '9', name: 'dask-gateway', username: 'bob' }),
    job({ id: '10', state: 'ended' }),
    job({ id: '11', name: 'thesis' }),
  ]
  const attemptAt = (_: string, index: number | null) => ['a0', 'a1'][index ?? 0] ?? null
  const seen = markedOf(slurmQueue, jobs, attemptAt)
  const common = { owner: null, clusterName: null }
  assert.deepEqual(seen, [
    { what: 'job 7 of alice', ...common, instanceId: id, attemptId: 'a0' },
    { what: 'job 8_1 of alice', ...common, instanceId: id, attemptId: 'a1' },
    { what: 'job 8_2 of alice', ...common, instanceId: id, attemptId: leader },
    { what: 'job 9 of bob', ...common, instanceId: null, attemptId: null },
  ])
})

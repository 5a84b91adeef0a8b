import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ClusterSettings } from '../../core/index.ts'
import { readSqueue } from './read-squeue.ts'
import { slurmQueue } from './slurm-queue.ts'

/** What a command of a real Slurm 22.05 printed. */
function recorded(name: string) {
  const path = join(import.meta.dirname, 'fixtures', `${name}.json`)
  const { returncode, stdout, stderr } = JSON.parse(readFileSync(path, 'utf8'))
  return { exitCode: returncode as number, stdout: String(stdout), stderr: String(stderr) }
}

test('the id of a submitted job is read', () => {
  assert.equal(slurmQueue.submittedId(recorded('sbatch-ok').stdout), '2')
  assert.equal(slurmQueue.submittedId(recorded('sbatch-array').stdout), '5')
  assert.equal(slurmQueue.submittedId('77;cluster2\n'), '77')
  assert.equal(slurmQueue.submittedId('Submitted\n'), null)
  assert.equal(slurmQueue.taskId('5', 2), '5_2')
  assert.deepEqual([slurmQueue.indexOf('5_2'), slurmQueue.indexOf('5')], [2, null])
})

test("sbatch's refusals are told in its words", () => {
  const final = {
    'sbatch-err-partition':
      'invalid partition specified: nope; Batch job submission failed: Invalid partition name specified',
    'sbatch-err-partition-denied':
      "Batch job submission failed: User's group not permitted to use this partition",
    's4-enforce-cpus': 'Batch job submission failed: More processors requested than permitted',
  }
  for (const [name, words] of Object.entries(final))
    assert.deepEqual(slurmQueue.refusalOf(recorded(name)), { kind: 'final', words })
  assert.match(slurmQueue.refusalOf(recorded('sbatch-err-option')).words, /no-such-option/)
})

test('a controller that does not answer is no refusal', () => {
  assert.equal(slurmQueue.refusalOf(recorded('down-sbatch')).kind, 'unknown')
  assert.equal(readSqueue(recorded('down-squeue')), null)
  assert.equal(slurmQueue.cancelled(recorded('down-scancel')), false)
})

test('a limit of jobs is told from other refusals', () => {
  const stderr =
    'sbatch: error: QOSMaxSubmitJobPerUserLimit\n' +
    "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n"
  assert.equal(slurmQueue.refusalOf({ exitCode: 1, stdout: '', stderr }).kind, 'limit')
})

test('a cancel that finds nothing is done, and one of a stranger is not', () => {
  assert.ok(slurmQueue.cancelled(recorded('scancel-again')))
  assert.ok(slurmQueue.cancelled(recorded('scancel-unknown')))
  assert.ok(!slurmQueue.cancelled(recorded('scancel-other')))
})

test('an answer without a job is an answer', () => {
  assert.deepEqual(readSqueue(recorded('privatedata-squeue-dask')), [])
})

test('what is set for a cluster reaches its jobs', () => {
  const settings = {
    ...{ worker_cores: 2, worker_memory: 2 ** 31, scheduler_cores: 1, scheduler_memory: 2 ** 30 },
    ...{ partition: 'long', qos: '', account: 'physics', worker_time_limit: 3600 },
    ...{ worker_gres: 'gpu:1', extra_arguments: ['--nice=5'] },
  } as unknown as ClusterSettings
  const base = { name: 'dg-1', script: '#!/bin/bash\n', log: 'worker.log' }
  const plan = { settings, base, files: [], hostname: 'gate' }
  assert.deepEqual(slurmQueue.job({ ...plan, role: 'worker', tasks: 3 }), {
    ...base,
    ...{ cores: 2, memoryBytes: 2 ** 31, arraySize: 3, timeLimitSeconds: 3600 },
    ...{ queue: 'long', account: 'physics', gres: 'gpu:1', extraArguments: ['--nice=5'] },
  })
  assert.deepEqual(slurmQueue.job({ ...plan, role: 'scheduler', tasks: null }), {
    ...base,
    ...{ cores: 1, memoryBytes: 2 ** 30, queue: 'long', account: 'physics' },
    extraArguments: ['--nice=5'],
  })
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ClusterSettings } from '../../core/index.ts'
import { pbsQueue } from './pbs-queue.ts'
import { readQstat } from './read-qstat.ts'

/** What a command of a real OpenPBS 23.06 printed. */
function recorded(name: string) {
  const path = join(import.meta.dirname, 'fixtures', `${name}.json`)
  const { returncode, stdout, stderr } = JSON.parse(readFileSync(path, 'utf8'))
  return { exitCode: returncode as number, stdout: String(stdout), stderr: String(stderr) }
}

test('the id of a submitted job is read', () => {
  assert.equal(pbsQueue.submittedId(recorded('qsub-ok0').stdout), '6.pbs')
  assert.equal(pbsQueue.submittedId('qsub: waiting\n'), null)
})

test("qsub's refusals are told in its words", () => {
  const final = {
    'qsub-err-queue': 'Unknown queue',
    'qsub-err-resource': 'Unknown resource: nosuchres',
    'queue-max-ncpus': 'Job violates queue and/or server resource limits',
    'queue-disabled': 'Queue is not enabled',
  }
  for (const [name, words] of Object.entries(final))
    assert.deepEqual(pbsQueue.refusalOf(recorded(name)), { kind: 'final', words })
  assert.deepEqual(pbsQueue.refusalOf(recorded('maxq3')), {
    kind: 'limit',
    words: "would exceed complex's per-user limit",
  })
})

test('a server that does not answer is no refusal and tells of no job', () => {
  assert.equal(pbsQueue.refusalOf(recorded('down-qsub')).kind, 'unknown')
  assert.equal(readQstat(recorded('down-qstat')), null)
})

test('a cancel that finds nothing is done, and one of a stranger is not', () => {
  for (const name of ['qdel-ok', 'qdel-unknown', 'qdel-finished', 's2-qdel-subjob'])
    assert.ok(pbsQueue.cancelled(recorded(name)), name)
  assert.ok(!pbsQueue.cancelled(recorded('qdel-other')))
})

test('without history, and where jobs are private, no job is told of', () => {
  assert.deepEqual(readQstat(recorded('nohistory-qstat-json')), [])
  assert.deepEqual(readQstat(recorded('noquery-bob')), [])
})

test('jobs that ended say how', () => {
  const jobs = new Map(readQstat(recorded('qstat-json-after'))?.map((job) => [job.id, job]))
  const expected = {
    '0.pbs': ['ended', 'killed by signal 15 (SIGTERM): the job was deleted', null],
    '2.pbs': ['ended', 'deleted before it ran', null],
    '5.pbs': ['ended', 'exited with status 3', 3],
    '6.pbs': ['ended', 'exited with status 0', 0],
    '7.pbs': ['ended', 'killed by signal 9', null],
    '9.pbs': ['ended', 'the time limit of the job was over', null],
    '14.pbs': ['ended', 'exited with status 127', 127],
    '3.pbs': [
      'pending',
      'Can Never Run: Insufficient amount of resource: ncpus (R: 9999 A: 16 T: 16)',
      null,
    ],
    '8.pbs': ['running', null, null],
  }
  for (const [id, values] of Object.entries(expected)) {
    const job = jobs.get(id)
    assert.deepEqual([job?.state, job?.reason, job?.exitCode], values, id)
  }
  assert.equal(jobs.get('8.pbs')?.node, 'pbs')
  assert.equal(jobs.get('8.pbs')?.username, 'alice')
})

test('an unknown job hides no other, and a job whose files cannot be copied waits', () => {
  assert.deepEqual(
    readQstat(recorded('qstat-json-unknown-mixed'))?.map(({ id, state }) => [id, state]),
    [['1.pbs', 'running']],
  )
  const [waiting] = readQstat(recorded('stagein-failed-state')) ?? []
  assert.equal(waiting?.state, 'pending')
  assert.match(waiting.reason ?? '', /files could not be copied/)
})

test('what waits for room may run, what asks for more than there is never, and time that is over is no fault', () => {
  const verdicts = (name: string) =>
    Object.fromEntries(readQstat(recorded(name))?.map(({ id, verdict }) => [id, verdict]) ?? [])
  assert.deepEqual(verdicts('maxq-state'), { '92.pbs': undefined, '97.pbs': undefined })
  const { '3.pbs': impossible, '5.pbs': failed, '9.pbs': late } = verdicts('qstat-json-after')
  assert.deepEqual([impossible, failed, late], ['never', undefined, 'interrupted'])
})

test('what is set for a cluster reaches its jobs, with and without copies of its files', () => {
  const settings = {
    ...{ worker_cores: 2, worker_memory: 2 ** 31, queue: 'dask', account: '', project: 'p' },
    ...{ worker_resource_list: 'select=1:ncpus={cores}:mem={memory}:ngpus=1' },
  }
  const base = { name: 'dg-1', script: '#!/bin/bash\n', log: 'worker.log' }
  const job = (use_stagein: boolean) =>
    pbsQueue.job({
      ...{ role: 'worker', tasks: null, base, files: ['token'], hostname: 'gate' },
      settings: { ...settings, use_stagein } as unknown as ClusterSettings,
    })
  const common = {
    ...{ ...base, queue: 'dask', project: 'p' },
    resources: 'select=1:ncpus=2:mem=2097152kb:ngpus=1',
  }
  const stageIn = { hostname: 'gate', files: ['token'] }
  assert.deepEqual(job(true), { ...common, stageIn, directOutput: false })
  assert.deepEqual(job(false), { ...common, directOutput: true })
})

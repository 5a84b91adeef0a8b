import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSqueue } from './read-squeue.ts'

// As a real squeue 22.05 printed it. One job's name holds a line that looks like another job.
const stdout = readFileSync(join(import.meta.dirname, 'fixtures/squeue.txt'), 'utf8')
const jobs = readSqueue({ exitCode: 0, stdout, stderr: '' }) ?? assert.fail()

test('how a job ended is told in words', () => {
  const expected = {
    '1': ['exited with status 0', 0],
    '2': ['exited with status 3', 3],
    '3': [
      'killed by signal 9 (for memory, if its log ends with "Exceeded job memory limit"), or could not be launched (JobLaunchFailure)',
      null,
    ],
    '4': [
      'could not be launched (JobLaunchFailure, code 4021); its log directory may be missing on the node',
      null,
    ],
    '7_0': ['the job was cancelled', null],
    '8': ['the job was cancelled', 3],
    '9': ['the job was preempted by another', null],
    '14': ['the job failed: BadConstraints', null],
  }
  for (const [id, [reason, exitCode]] of Object.entries(expected)) {
    const job = jobs.find((each) => each.id === id)
    assert.deepEqual([job?.state, job?.reason, job?.exitCode], ['ended', reason, exitCode], id)
  }
})

test('why a job waits is told in words', () => {
  const waiting = jobs.filter(({ state }) => state === 'pending')
  assert.deepEqual(
    waiting.map(({ id, reason }) => [id, reason]),
    [
      ['10', 'Waiting in the queue: Resources (for free nodes)'],
      ['11', 'Waiting in the queue: Dependency'],
      ['12', 'Waiting in the queue: BeginTime (until its begin time)'],
      ['6', 'Waiting in the queue: JobHeldUser (held by its owner)'],
      ['13', 'PartitionTimeLimit (its time limit is longer than the partition allows)'],
    ],
  )
  // Only the last can never run.
  assert.deepEqual(
    waiting.map(({ verdict }) => verdict),
    [undefined, undefined, undefined, undefined, 'never'],
  )
})

test('a job that runs has its node, owner and name', () => {
  const name = 'dg-0123456789abcdef0123456789abcdef-00112233445566aa'
  assert.deepEqual(
    jobs.find(({ id }) => id === '7_1'),
    {
      ...{ id: '7_1', name, username: 'alice', state: 'running' },
      ...{ reason: null, exitCode: null, node: 'n0' },
    },
  )
})

test('time limits, lost nodes and memory are told from failures', () => {
  const line = (code: string, reason: string) => `1|${code}|${reason}|0|alice|n0|x|\n`
  const reasonOf = (text: string) =>
    readSqueue({ exitCode: 0, stdout: text, stderr: '' })?.[0]?.reason
  const verdictOf = (text: string) =>
    readSqueue({ exitCode: 0, stdout: text, stderr: '' })?.[0]?.verdict
  for (const code of ['TO', 'NF', 'PR'])
    assert.equal(verdictOf(line(code, 'None')), 'interrupted', code)
  for (const code of ['F', 'CD', 'CA', 'OOM'])
    assert.equal(verdictOf(line(code, 'None')), undefined, code)
  assert.equal(reasonOf(line('TO', 'TimeLimit')), 'the time limit of the job was over')
  assert.equal(reasonOf(line('NF', 'NodeDown')), 'the node failed')
  assert.match(reasonOf(line('OOM', 'OutOfMemory')) ?? '', /^killed for memory/)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pbsSubmitArguments, pbsUncertain } from './pbs-commands.ts'
import type { PbsJob, SlurmJob } from './protocol.ts'
import { slurmSubmitArguments, slurmUncertain } from './slurm-commands.ts'

const script = '#!/bin/bash\n'

describe('sbatch', () => {
  const job: SlurmJob = { name: 'dg-1', script, log: 'log', cores: 2, memoryBytes: 2 ** 31 }

  test('what is not set is not passed', () => {
    assert.deepEqual(slurmSubmitArguments(job, '/home/a/.d', '/home/a'), [
      '--parsable',
      '--job-name=dg-1',
      '--no-requeue',
      '--export=ALL',
      '--chdir=/home/a',
      '--output=/home/a/.d/log',
      '--ntasks=1',
      '--cpus-per-task=2',
      '--mem=2097152K',
    ])
  })

  test('all that can be set', () => {
    const full: SlurmJob = {
      ...job,
      queue: 'batch',
      qos: 'high',
      account: 'physics',
      constraint: 'a100&ib',
      gres: 'gpu:2',
      reservation: 'course',
      nodelist: 'n[1-4]',
      exclude: 'n3',
      timeLimitSeconds: 90_061,
      arraySize: 20,
      extraArguments: ['--exclusive'],
    }
    const given = slurmSubmitArguments(full, '/100%/d', '/home/a')
    assert.equal(given[0], '--exclusive')
    assert.ok(given.includes('--output=/100%%/d/log-%a'))
    assert.deepEqual(given.slice(-10), [
      '--partition=batch',
      '--qos=high',
      '--account=physics',
      '--constraint=a100&ib',
      '--gres=gpu:2',
      '--reservation=course',
      '--nodelist=n[1-4]',
      '--exclude=n3',
      '--time=1-01:01:01',
      '--array=0-19',
    ])
  })

  test('an error that may have come after the job was taken', () => {
    const error = 'sbatch: error: Batch job submission failed: '
    assert.match(`${error}Socket timed out on send/recv operation`, slurmUncertain)
    for (const refusal of [
      'Unable to contact slurm controller (connect failure)',
      'Invalid partition name specified',
      'Requested time limit is invalid (missing or exceeds some limit)',
    ])
      assert.doesNotMatch(error + refusal, slurmUncertain)
  })
})

describe('qsub', () => {
  const resources = 'select=1:ncpus=2:mem=2gb'
  const job: PbsJob = { name: 'dg-1', script, log: 'log', resources, directOutput: true }

  test('a shared staging directory: the log is written there while the job runs', () => {
    assert.deepEqual(pbsSubmitArguments(job, '/home/a/.d'), [
      ...['-N', 'dg-1', '-r', 'n', '-S', '/bin/bash', '-j', 'oe', '-k', 'od'],
      ...['-o', '/home/a/.d/log', '-l', resources],
    ])
  })

  test('another: files are brought to the node, and the log back', () => {
    const full: PbsJob = {
      ...job,
      queue: 'dask',
      account: 'physics',
      project: 'p1',
      timeLimitSeconds: 90_061,
      directOutput: false,
      stageIn: { hostname: 'edge', files: ['dask.crt', 'dask.pem'] },
      extraArguments: ['-lplace=scatter'],
    }
    assert.deepEqual(pbsSubmitArguments(full, '/d'), [
      ...['-lplace=scatter', '-N', 'dg-1', '-r', 'n', '-S', '/bin/bash', '-j', 'oe'],
      ...['-o', 'edge:/d/log', '-q', 'dask', '-A', 'physics', '-P', 'p1'],
      ...['-l', resources, '-l', 'walltime=25:01:01', '-W', 'sandbox=PRIVATE'],
      ...['-W', 'stagein=.@edge:/d/dask.crt,.@edge:/d/dask.pem'],
    ])
  })

  test('an error that may have come after the job was taken', () => {
    assert.match('qsub: End of File', pbsUncertain)
    for (const refusal of [
      'Connection refused\nqsub: cannot connect to server pbs (errno=15010)',
      "qsub: would exceed complex's per-user limit",
      'qsub: Unknown queue',
    ])
      assert.doesNotMatch(refusal, pbsUncertain)
  })
})

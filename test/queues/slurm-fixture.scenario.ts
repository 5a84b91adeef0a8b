// Run by slurm-fixture.test.ts inside a machine with Slurm.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { python } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { daemon, runAs, runAsRoot, setNode, slurmLogs } from '../support/slurm-machine.ts'

const limitMs = 90_000

test('a job runs as who submitted it; others see neither its environment nor its script', async () => {
  const job = await submit('alice', [], 'id -un; echo $SECRET >/tmp/seen; sleep 600', {
    SECRET: 'of-alice',
  })
  await state(job, 'RUNNING')
  await waitFor('the output', () => existsSync('/tmp/seen'), limitMs)
  assert.equal(readFileSync('/tmp/seen', 'utf8'), 'of-alice\n')
  assert.equal(readFileSync(`/home/alice/slurm-${job}.out`, 'utf8'), 'alice\n')

  const [pid] = (await runAsRoot('pgrep', '-u', 'alice', '-x', 'sleep')).split('\n')
  const environment = ['cat', `/proc/${pid}/environ`]
  assert.match((await runAs('alice', environment)).stdout, /SECRET=of-alice/)
  const sight = [environment, ['scontrol', 'show', 'job', '--details', job]]
  for (const look of [...sight, ['scontrol', 'write', 'batch_script', job, '-']]) {
    const { stdout, stderr } = await runAs('bob', look)
    assert.doesNotMatch(stdout + stderr, /of-alice|SECRET/, look.join(' '))
  }
  const denied = await runAs('bob', ['scancel', job])
  assert.equal(denied.status, 210)
  assert.match(denied.stderr, /Access\/permission denied/)
  assert.equal((await runAs('alice', ['scancel', job])).status, 0)
  await state(job, 'CANCELLED')
})

test('single tasks of an array are cancelled', async () => {
  const job = await submit('bob', ['--array=0-3'], 'sleep 600')
  for (const task of [0, 1, 2, 3]) await state(`${job}_${task}`, 'RUNNING')
  await runAs('bob', ['scancel', `${job}_1`, `${job}_2`])
  for (const task of [1, 2]) await state(`${job}_${task}`, 'CANCELLED')
  for (const task of [0, 3]) await state(`${job}_${task}`, 'RUNNING')
  await runAs('bob', ['scancel', job])
  for (const task of [0, 3]) await state(`${job}_${task}`, 'CANCELLED')
})

test('the dask of the Python environment runs in a job', async () => {
  const job = await submit('alice', [], `exec ${python} -c "import dask; print(dask.__name__)"`)
  await state(job, 'COMPLETED')
  assert.equal(readFileSync(`/home/alice/slurm-${job}.out`, 'utf8'), 'dask\n')
})

test('while the controller is down commands fail after nine seconds; its jobs run on', async () => {
  const job = await submit('alice', [], 'sleep 600')
  await state(job, 'RUNNING')
  await daemon('stop', 'slurmctld')
  const startMs = performance.now()
  const [queue, cancel] = await Promise.all([
    runAs('alice', ['squeue']),
    runAs('alice', ['scancel', job]),
  ])
  const tookMs = performance.now() - startMs
  assert.ok(tookMs > 8_000, `${tookMs} ms`)
  assert.equal(queue.status, 1)
  assert.match(queue.stderr, /Unable to contact slurm controller/)
  assert.notEqual(cancel.status, 0)
  await daemon('start', 'slurmctld')
  await state(job, 'RUNNING')
  await runAs('alice', ['scancel', job])
  await state(job, 'CANCELLED')
})

test('a node that loses its power fails its job, a drained one takes no other', async () => {
  await setNode('n1', 'DRAIN')
  const job = await submit('alice', ['--no-requeue'], 'sleep 601')
  await state(job, 'RUNNING')
  const waiting = await submit('alice', ['--nodelist=n1'], 'sleep 602')
  await daemon('kill', 'n0')
  await waitFor(
    'nothing of the job to run on',
    async () => (await runAs('alice', ['pgrep', '-f', 'sleep 601'])).status === 1,
    limitMs,
  )
  await state(job, 'NODE_FAIL')
  await state(waiting, 'PENDING')
  await daemon('start', 'n0')
  await setNode('n1', 'RESUME')
  await state(waiting, 'RUNNING')
  await setNode('n1', 'DOWN')
  await waitFor(
    'the requeue that Slurm does by itself',
    async () => (await show(waiting)).startsWith('PENDING'),
    limitMs,
  )
  await setNode('n1', 'RESUME')
  await runAs('alice', ['scancel', waiting])
})

test('what a site refuses is refused, with its words', async () => {
  const refusal = async (user: string, ...options: string[]) => {
    const { status, stderr } = await sbatch(user, options, 'sleep 600')
    assert.equal(status, 1)
    return stderr
  }
  assert.match(await refusal('bob', '--partition=short', '--time=10'), /time limit is invalid/)
  assert.match(await refusal('bob', '--partition=private'), /not permitted|User's group/)
  assert.match(await refusal('alice', '--array=0-40'), /violates accounting\/QOS policy/)
  const job = await submit('alice', ['--array=0-29'], 'sleep 600')
  assert.match(await refusal('alice'), /violates accounting\/QOS policy/)
  await runAs('alice', ['scancel', job])
})

test('preemption by a higher partition', async () => {
  const all = ['--nodes=2', '--ntasks-per-node=16']
  const low = await submit('bob', ['--no-requeue', ...all], 'sleep 600')
  await state(low, 'RUNNING')
  const high = await submit('bob', ['--partition=high', ...all], 'sleep 600')
  await state(low, 'PREEMPTED')
  await state(high, 'RUNNING')
  await runAs('bob', ['scancel', high])
  await state(high, 'CANCELLED')
})

test('the machine has a name, a network and processes of its own', () => {
  assert.equal(hostname(), 'cluster')
  assert.match(readFileSync('/proc/net/dev', 'utf8'), /^ *lo:/m)
  assert.equal(readFileSync('/proc/net/dev', 'utf8').trim().split('\n').length, 3)
  const first = execFileSync('ps', ['-o', 'args=', '-p', '1'], { encoding: 'utf8' })
  assert.match(first, /private-machine/)
})

function sbatch(
  user: string,
  options: readonly string[],
  script: string,
  environment: { readonly [name: string]: string } = {},
) {
  const words = ['env', ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)]
  return runAs(user, [...words, 'sbatch', '--parsable', '--mem=10', ...options], {
    input: `#!/bin/sh\n${script}\n`,
  })
}

async function submit(...request: Parameters<typeof sbatch>): Promise<string> {
  const { status, stdout, stderr } = await sbatch(...request)
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

async function show(job: string): Promise<string> {
  const format = '--format=%T %r'
  const words = ['squeue', '--noheader', '--states=all', '--array', `--jobs=${job}`, format]
  return (await runAsRoot(...words)).trim()
}

async function state(job: string, wanted: string): Promise<void> {
  let seen = ''
  await waitFor(
    `job ${job} to be ${wanted}`,
    async () => {
      seen = await show(job)
      return seen.startsWith(wanted)
    },
    limitMs,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; it is ${seen}\n${await slurmLogs()}`)
  })
}

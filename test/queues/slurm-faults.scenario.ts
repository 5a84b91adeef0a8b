// Run by slurm-faults.test.ts inside a machine with Slurm. Each cluster stands for one thing that goes wrong; at the end the books balance.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, test } from 'node:test'
import { python } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { install, lose, lossyLauncher, QueueGateway } from '../support/queue-gateway.ts'
import { runAs, runAsRoot, setNode } from '../support/slurm-machine.ts'

install()
const backend = 'jobqueue.slurm.SlurmBackend'
const config =
  'c.DBBackendBase.cluster_status_period = 2\nc.DBBackendBase.worker_status_period = 2\n'
const gateway = await new QueueGateway({ name: 'f', backend, config }).start()
const lossy = await new QueueGateway({
  ...{ name: 'l', backend },
  config: `c.JobQueueBackend.dask_gateway_jobqueue_launcher = "${lossyLauncher}"`,
}).start()
after(async () => {
  await gateway.stop()
  await lossy.stop()
})

// What takes a minute by itself begins first.
const outOfTime = await gateway.create('bob', { partition: 'short', scheduler_time_limit: 60 })
const dask = (kind: string) => [`${dirname(python)}/dask`, kind]
const retiring = await gateway.create('alice', {
  ...{ scheduler_cmd: dask('scheduler'), worker_cmd: dask('worker') },
  ...{ worker_memory: 300e6, scheduler_memory: 300e6 },
  ...{ worker_time_limit: 60, worker_retire_before: 45 },
})

test('a scheduler that ends at once is told with its exit status and the end of its log', async () => {
  const begun = performance.now()
  const setup = 'echo it is broken >&2; exit 7'
  const name = await gateway.create('alice', { scheduler_setup: setup })
  const event = await gateway.eventOf('alice', name, /exited with status 7/)
  assert.deepEqual(event.details.log_tail, ['it is broken'])
  const seconds = (performance.now() - begun) / 1000
  assert.ok(seconds < 10, `told after ${seconds} s`)
  await gateway.becomes('alice', name, 'FAILED')
})

test('a worker that ends at once is told with the end of its log, and three of them fail the cluster', async () => {
  const setup = 'echo no such module; exit 1'
  const name = await runningCluster('alice', 0, { worker_setup: setup })
  await gateway.scale('alice', name, 1)
  await gateway.becomes('alice', name, 'FAILED')
  const events = await gateway.events('alice', name)
  const failed = events.filter(({ kind }) => kind === 'worker-failed')
  assert.ok(failed.length >= 3)
  for (const { message, details } of failed)
    assert.deepEqual([message, details.log_tail], ['exited with status 1', ['no such module']])
  assert.match(events.at(-1)?.message ?? '', /workers in a row failed to start; the last: exited/)
})

test('what Slurm accepts though it can never run is given up at once', async () => {
  const never = {
    PartitionConfig: { scheduler_cores: 1000 },
    // Slurm's first word for it is PartitionConfig too.
    'Partition(Config|TimeLimit)': { partition: 'short', scheduler_time_limit: 600 },
  }
  for (const [reason, settings] of Object.entries(never)) {
    const name = await gateway.create('bob', settings)
    await gateway.eventOf('bob', name, new RegExp(`The scheduler can never start: ${reason} \\(`))
    await gateway.becomes('bob', name, 'FAILED')
  }
  const name = await runningCluster('bob', 0, { worker_cores: 1000 })
  await gateway.scale('bob', name, 3)
  await gateway.eventOf('bob', name, /failed to start; the last: The worker can never start: Part/)
  await gateway.becomes('bob', name, 'FAILED')
})

test('what only nodes are missing for waits', async () => {
  for (const node of ['n0', 'n1']) await setNode(node, 'DRAIN')
  const name = await gateway.create('bob')
  await gateway.eventOf('bob', name, /^Waiting in the queue: (Resources|ReqNodeNotAvail|Nodes)/)
  assert.equal(await gateway.status('bob', name), 'PENDING')
  for (const node of ['n0', 'n1']) await setNode(node, 'RESUME')
  await gateway.becomes('bob', name, 'RUNNING')
  await gateway.remove('bob', name)
})

test('a submit whose answer is lost is found, and one that was never made is made again', async () => {
  for (const how of ['before', 'reply', 'killed'] as const) {
    const wasLost = lose(how)
    const name = await lossy.create('alice')
    await lossy.becomes('alice', name, 'RUNNING')
    assert.ok(wasLost(), how)
    const wasLostAgain = lose(how)
    await lossy.scale('alice', name, 2)
    await lossy.until('two workers', async () => (await lossy.running('alice', name)) === 2)
    assert.ok(wasLostAgain(), how)
    assert.equal(lossy.jobs().length, 3)
    await lossy.remove('alice', name)
    for (const done of ['before', 'reply', 'killed'])
      rmSync(`/run/lose/done-${done}`, { force: true })
  }
  await lossy.balance()
})

test('a node that fails is told, and workers lost with one are replaced', async () => {
  const name = await runningCluster('alice', 0, { nodelist: 'n1' })
  await setNode('n1', 'DOWN')
  await gateway.eventOf('alice', name, /The scheduler ended: the node failed/)
  await gateway.becomes('alice', name, 'FAILED')
  const other = await runningCluster('bob', 0)
  await setNode('n1', 'RESUME')
  await setNode('n0', 'DRAIN')
  await gateway.scale('bob', other, 1)
  await gateway.until('a worker on n1', async () => (await gateway.running('bob', other)) === 1)
  await setNode('n1', 'DOWN')
  // Its scheduler may be the first to know.
  await gateway.eventOf('bob', other, /the node failed|Left the scheduler unexpectedly/)
  assert.equal(await gateway.status('bob', other), 'RUNNING')
  for (const node of ['n0', 'n1']) await setNode(node, 'RESUME')
  await gateway.until('another worker', async () => (await gateway.running('bob', other)) === 1)
  assert.equal((await gateway.workers('bob', other)).length, 2)
  await gateway.remove('bob', other)
})

test('what uses more memory than it asked for is told so, with the end of its log', async () => {
  const eat = 'memory = bytearray(200 << 20); import time; time.sleep(600)'
  const setup = `echo it is hungry; /usr/bin/python3 -IS -c '${eat}'`
  const name = await gateway.create('alice', { scheduler_setup: setup })
  const event = await gateway.eventOf(
    'alice',
    name,
    /^The scheduler ended before it was ready: killed by signal 9 \(for memory/,
  )
  assert.match((event.details.log_tail ?? []).join(), /^it is hungry.*Exceeded job memory limit/)
  await gateway.becomes('alice', name, 'FAILED')
  const workers = await runningCluster('bob', 0, { worker_setup: setup })
  await gateway.scale('bob', workers, 1)
  await gateway.eventOf('bob', workers, /^killed by signal 9 \(for memory, if/)
  await gateway.remove('bob', workers)
})

test('preemption by others is told', async () => {
  const name = await runningCluster('alice', 0, { nodelist: 'n1' })
  const words = ['sbatch', '--parsable', '--partition=high', '--nodelist=n1', '--exclusive']
  const script = { input: '#!/bin/sh\nsleep 600\n' }
  const job = (await runAs('bob', [...words, '--output=/dev/null'], script)).stdout.trim()
  await gateway.eventOf('alice', name, /The scheduler ended: the job was preempted by another/)
  await gateway.becomes('alice', name, 'FAILED')
  await runAs('bob', ['scancel', job])
})

test('a job that an administrator requeues does not run twice', async () => {
  const name = await runningCluster('bob', 1)
  const isOurs = (line: string) => / bob RUNNING /.test(line) && isScheduler(line, name)
  const id = gateway.jobs().find(isOurs)?.split(' ')[0] ?? ''
  assert.notEqual((await runAs('bob', ['scontrol', 'requeue', id])).status, 0)
  await runAsRoot('scontrol', 'update', `JobId=${id}`, 'Requeue=1')
  await runAsRoot('scontrol', 'requeue', id)
  await waitFor('its begin time to be set', () => startNow(id), 60_000)
  // The claim of its first run is there, so that the second ends with this status.
  await gateway.eventOf('bob', name, /The scheduler ended: exited with status 1/)
  await gateway.becomes('bob', name, 'FAILED')
})

test('a staging directory that its owner opens to others holds up no end', async () => {
  const name = await runningCluster('bob', 1)
  chmodSync(`/home/bob/.dask-gateway/${name}`, 0o755)
  await gateway.remove('bob', name)
  await gateway.becomes('bob', name, 'STOPPED')
  assert.ok(!existsSync(`/home/bob/.dask-gateway/${name}`))
})

test('a staging directory that somebody removes ends a cluster in order', async () => {
  const name = await runningCluster('alice', 1)
  rmSync(`/home/alice/.dask-gateway/${name}`, { recursive: true })
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
  for (const node of ['n0', 'n1']) await setNode(node, 'DRAIN')
  const waiting = await gateway.create('alice')
  await gateway.eventOf('alice', waiting, /^Waiting in the queue/)
  rmSync(`/home/alice/.dask-gateway/${waiting}`, { recursive: true })
  for (const node of ['n0', 'n1']) await setNode(node, 'RESUME')
  await gateway.eventOf('alice', waiting, /its log directory may be missing on the node/)
  await gateway.becomes('alice', waiting, 'FAILED')
})

test('a user who is removed while jobs run delays nobody else', async () => {
  execFileSync('useradd', ['--groups', 'dask_users', '--create-home', 'carol'])
  const accounts = readFileSync('/etc/passwd', 'utf8')
  const name = await runningCluster('carol', 1)
  writeFileSync('/etc/passwd', accounts.replace(/^carol:.*\n/m, ''))
  await gateway.remove('carol', name)
  await gateway.eventOf('carol', name, /tried again: there is no account "carol"/)
  const other = await runningCluster('bob', 1)
  await gateway.remove('bob', other)
  await gateway.becomes('bob', other, 'STOPPED')
  assert.equal(await gateway.status('carol', name), 'STOPPING')
  writeFileSync('/etc/passwd', accounts)
  await gateway.becomes('carol', name, 'STOPPED')
  assert.ok(!existsSync(`/home/carol/.dask-gateway/${name}`))
})

test('where jobs are private their owner is asked', async () => {
  const file = '/etc/slurm/slurm.conf'
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, `${before}PrivateData=jobs\n`)
  await runAsRoot('scontrol', 'reconfigure')
  await waitFor(
    'privacy',
    async () => (await runAs('dask', ['squeue', '--noheader'])).stdout === '',
    60_000,
  )
  const name = await runningCluster('bob', 1)
  await gateway.remove('bob', name)
  await gateway.becomes('bob', name, 'STOPPED')
  writeFileSync(file, before)
  await runAsRoot('scontrol', 'reconfigure')
})

test('a worker retires before its time is over', async () => {
  await gateway.becomes('alice', retiring, 'RUNNING')
  await gateway.scale('alice', retiring, 1)
  const worker = await gateway.until('a worker', async () =>
    (await gateway.workers('alice', retiring)).find(({ status }) => /running/i.test(status)),
  )
  await gateway.until('its end', async () =>
    (await gateway.workers('alice', retiring)).some(
      ({ name, status }) => name === worker.name && /stopped|failed/i.test(status),
    ),
  )
  const path = `${retiring}/logs?worker=${worker.name}`
  const log = await (await gateway.ask('alice', path)).text()
  assert.match(log, /worker-lifetime-reached/)
  await gateway.remove('alice', retiring)
})

test('the end of its time is told', async () => {
  await gateway.eventOf('bob', outOfTime, /The scheduler ended: the time limit of the job was over/)
  await gateway.becomes('bob', outOfTime, 'FAILED')
})

test('the books balance', () => gateway.balance())

async function runningCluster(
  user: string,
  workers: number,
  settings: { readonly [name: string]: unknown } = {},
): Promise<string> {
  const name = await gateway.create(user, settings)
  await gateway.becomes(user, name, 'RUNNING')
  if (workers > 0) {
    await gateway.scale(user, name, workers)
    await gateway.until('workers', async () => (await gateway.running(user, name)) === workers)
  }
  return name
}

/** Of a job of this cluster: its log is a scheduler's. */
function isScheduler(line: string, cluster: string): boolean {
  const [id = ''] = line.split(' ')
  const told = execFileSync('scontrol', ['show', 'job', id], { encoding: 'utf8' })
  return told.includes(`/${cluster}/scheduler-`)
}

/** A requeued job waits for two minutes if nobody says otherwise. */
async function startNow(id: string): Promise<boolean> {
  const { stdout } = await runAs('dask', ['squeue', '--noheader', `--jobs=${id}`, '--format=%T'])
  if (!stdout.startsWith('PENDING')) return false
  await runAsRoot('scontrol', 'update', `JobId=${id}`, 'StartTime=now')
  return true
}

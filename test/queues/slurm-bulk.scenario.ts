// Run by slurm-bulk.test.ts inside a machine with Slurm, where a user may have 130 jobs.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { install, launcher, QueueGateway } from '../support/queue-gateway.ts'

const calls = '/run/sbatch-calls'
const launcherCalls = '/run/launcher-calls'

install()
mkdirSync('/opt/noted', { mode: 0o755 })
const noted = `#!/bin/sh
echo "$*" >>${calls}
exec /usr/bin/sbatch "$@"
`
writeFileSync('/opt/noted/sbatch', noted, { mode: 0o755 })
for (const path of [calls, launcherCalls]) {
  writeFileSync(path, '')
  chmodSync(path, 0o666)
}
const notedLauncher = `#!/bin/sh
request=$(cat)
echo "$request" | sed 's/.*"verb":"\\([a-z]*\\)".*/\\1/' >>${launcherCalls}
printf %s "$request" | ${launcher}
`
writeFileSync('/opt/noted/dask-gateway-jobqueue-launcher', notedLauncher, { mode: 0o755 })
writeFileSync(
  '/etc/sudoers.d/noted',
  'dask ALL=(%dask_users,!root) NOPASSWD:/opt/noted/dask-gateway-jobqueue-launcher\n',
  { mode: 0o440 },
)
const gateway = await new QueueGateway({
  ...{ name: 'b', backend: 'jobqueue.slurm.SlurmBackend' },
  config: `
c.JobQueueBackend.dask_gateway_jobqueue_launcher = "/opt/noted/dask-gateway-jobqueue-launcher"
c.SlurmBackend.submit_command = "/opt/noted/sbatch"
c.ClusterConfig.worker_cmd = ["/bin/sh", "-c", "echo it sleeps; exec sleep 600"]
c.DBBackendBase.worker_start_timeout = 600
`,
}).start()
after(() => gateway.stop())

test('a hundred workers are one call and one array job, of which single tasks are cancelled', async () => {
  const name = await scheduler()
  await gateway.scale('alice', name, 100)
  await gateway.until('all jobs', async () => gateway.jobs().length === 101)
  assert.deepEqual(arrays(), ['0-99'])
  // As many as there are cores for.
  await gateway.eventOf('alice', name, /Some workers wait\. Waiting in the queue: Resources/)
  await gateway.scale('alice', name, 40)
  await gateway.until('forty to be left', async () => gateway.jobs().length === 41)
  assert.deepEqual(arrays(), [])
  const running = () => gateway.jobs().filter((line) => line.includes(' RUNNING '))
  await gateway.until('all cores to be taken', async () => running().length >= 31)
  writeFileSync(launcherCalls, '')
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
  // Of the workers, as many as were seen to end at once; of the scheduler, its last lines and what is kept.
  const reads = launched().filter((verb) => verb === 'log').length
  assert.ok(reads >= 3 && reads < 25, `${reads} calls for logs`)
  const kept = await Promise.all(
    (await gateway.workers('alice', name)).map(async (worker) =>
      (await gateway.ask('alice', `${name}/logs?worker=${worker.name}`)).text(),
    ),
  )
  const told = kept.filter((log) => /it sleeps/.test(log)).length
  assert.ok(told >= 20, `${told} logs are kept`)
  await gateway.balance()
})

test('what a limit of jobs leaves out waits with its words, and starts when there is room', async () => {
  const [first, second] = [await scheduler(), await scheduler()]
  await gateway.scale('alice', first, 100)
  await gateway.until('all jobs', async () => gateway.jobs().length === 102)
  arrays()
  await gateway.scale('alice', second, 100)
  const event = await gateway.eventOf('alice', second, /wait until there is room/)
  assert.match(event.message, /Slurm: Batch job submission failed: Job violates accounting\/QOS/)
  let fit = 0
  await gateway.until('all that fit', async () => {
    fit = Math.max(fit, gateway.jobs().length)
    return fit >= 125
  })
  assert.ok(fit <= 130, `${fit} jobs`)
  const [whole, half, quarter] = arrays()
  assert.deepEqual([whole, half, quarter], ['0-99', '0-49', '0-24'])
  assert.equal(await gateway.status('alice', second), 'RUNNING')
  const failed = (await gateway.workers('alice', second)).filter(({ reason }) => reason !== null)
  assert.deepEqual(failed, [])
  await gateway.remove('alice', first)
  await gateway.becomes('alice', first, 'STOPPED')
  await gateway.until('the others', async () => gateway.jobs().length === 101)
  await gateway.remove('alice', second)
  await gateway.balance()
})

async function scheduler(): Promise<string> {
  const name = await gateway.create('alice')
  await gateway.becomes('alice', name, 'RUNNING')
  arrays()
  return name
}

function launched(): readonly string[] {
  return readFileSync(launcherCalls, 'utf8').trimEnd().split('\n')
}

/** What was asked for since the last time. */
function arrays(): readonly string[] {
  const text = readFileSync(calls, 'utf8')
  writeFileSync(calls, '')
  return [...text.matchAll(/--array=(\S+)/g)].map(([, range]) => range ?? '')
}

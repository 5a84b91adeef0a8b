// Run by pbs.test.ts on a machine with test/fakes/pbs-commands: pbs.scenario.ts PYTHON. Throws when something is not as it should be.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { place, writeSettings } from '../fakes/pbs-commands/settings.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { as, installByGuide, startGateway } from '../support/job-queue-tree.ts'

const [python] = process.argv.slice(2)
if (python === undefined) throw new Error('usage: pbs.scenario.ts PYTHON')

// Word for word the guide's example.
const guide = `
# Configure the gateway to use PBS as the backend
c.DaskGateway.backend_class = "dask_gateway_server.backends.pbs.PBSBackend"

# Configure the paths to the dask-scheduler/dask-worker CLIs
c.PBSClusterConfig.scheduler_cmd = "~/miniconda/bin/dask-scheduler"
c.PBSClusterConfig.worker_cmd = "~/miniconda/bin/dask-worker"

# Limit resources for a single worker
c.PBSClusterConfig.worker_memory = '4 G'
c.PBSClusterConfig.worker_cores = 2

# Specify the PBS queue to use
c.PBSClusterConfig.queue = 'dask'

# Increase startup timeouts to 5 min (600 seconds) each
c.PBSClusterBackend.cluster_start_timeout = 600
c.PBSClusterBackend.worker_start_timeout = 600
`

// For what is to go wrong.
const options = `
from dask_gateway_server.options import Options, String, Integer, Bool

def options_handler(options):
    return {
        "scheduler_setup": options.setup, "queue": options.queue, "use_stagein": options.stagein,
        "scheduler_cores": options.cores,
    }

c.DBBackendBase.settle_time = 1
c.DBBackendBase.cluster_status_period = 3
c.Backend.cluster_options = Options(
    String("setup", default=""),
    String("queue", default="dask"),
    Integer("cores", default=1),
    Bool("stagein", default=True),
    handler=options_handler,
)
`

const staging = '/home/alice/.dask-gateway'

installByGuide(`${guide}${options}`, python)
const gateway = await startGateway()
try {
  await step(
    'a cluster is created, scaled and used; nobody else sees its secrets; it is stopped',
    useCluster,
  )
  await step('without copies: the log is there while the scheduler runs', sharedDirectory)
  await step('what qsub refuses is told in its words, and leaves nothing', refusedQueue)
  await step('a scheduler that dies at once is told with its log', dyingScheduler)
  await step('what can never run is told at once', impossible)
  await step("beyond a limit of jobs workers wait with the queue's words", limited)
  await step('a server that is down when a cluster is started', startWhileDown)
  await step('a node that fails is told, with the log where that is shared', failingNode)
  await step('without an operator, a history and a server for a while', hiddenJobs)
  await step('nothing is left', nothingLeft)
} catch (error) {
  console.error(gateway.text())
  console.error(readFileSync(`${place}/log`, 'utf8'))
  throw error
} finally {
  gateway.kill('SIGTERM')
}
await waitFor('the gateway to end', () => gateway.exitCode !== null, 60_000)
assert.equal(gateway.exitCode, 0)
process.exit(0)

async function step(title: string, act: () => void | Promise<void>): Promise<void> {
  const begun = performance.now()
  await act()
  console.log(`${title}: ${Math.round(performance.now() - begun)} ms`)
}

function useCluster(): void {
  const name = begin('', 2)
  const [token = ''] = ['token', 'dask.pem'].map((file) =>
    readFileSync(`${staging}/${name}/${file}`, 'utf8').trim(),
  )
  assert.ok(token.length > 20)
  const seen = as('bob', '/opt/pbs/bin/qstat', '-f', '-F', 'json')
  assert.equal(Object.keys(JSON.parse(seen).Jobs).length, 3)
  assert.ok(!seen.includes(token) && !/DASK_GATEWAY|PRIVATE KEY/.test(seen))
  // With every command of the machine, and all that these may read.
  const looks =
    'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; cat /run/pbs-commands/*/*; cat "$1"/* "$2"/pbs.*/*'
  const { stdout } = spawnSync('runuser', [
    '-u',
    'bob',
    '--',
    'sh',
    '-c',
    looks,
    'sh',
    `${staging}/${name}`,
    '/home/alice',
  ])
  assert.ok(stdout.includes('dask'))
  assert.ok(!stdout.includes(token))
  const output = client(`
cluster = gateway.connect("${name}")
client = cluster.get_client()
print(client.submit(sum, range(10)).result(timeout=60))
def look():
    import os, getpass
    return getpass.getuser(), os.getcwd(), os.path.isfile(os.environ["DASK_GATEWAY_API_TOKEN"])
print(client.run(look))
cluster.scale(1)
while len(cluster.scheduler_info["workers"]) != 1:
    time.sleep(0.1)
cluster.shutdown()
`)
  assert.match(output, /^45$/m)
  assert.equal(output.match(/'alice', '\/home\/alice\/pbs\.\d+\.pbs\.x8z', True/g)?.length, 2)
}

async function sharedDirectory(): Promise<void> {
  const name = begin('stagein=False', 1)
  assert.match(await api(`clusters/${name}/logs`), /Scheduler at/)
  const standIn = /scheduler_cmd: \/home\/alice\/miniconda\/bin\/dask-scheduler does not exist/
  await waitFor(
    'what stands in for the command to be told',
    async () => standIn.test(await api(`clusters/${name}/events`)),
    30_000,
  )
  assert.equal(
    readdirSync(`${staging}/${name}`).filter((each) => each.startsWith('claim-')).length,
    2,
  )
  await stop(name)
}

async function refusedQueue(): Promise<void> {
  const begun = performance.now()
  assert.match(failing('queue="nope"'), /GatewayClusterError/)
  assert.match(await reasons(), /Unknown queue/)
  await waitFor('the staging directory to be removed', () => left().length === 0, 5000)
  assert.ok(performance.now() - begun < 15_000)
}

async function dyingScheduler(): Promise<void> {
  const output = failing('setup="echo it is broken; exit 7"')
  assert.match(output, /GatewayClusterError/)
  const told = await reasons()
  assert.match(told, /exited with status 7/)
  assert.match(told, /it is broken/)
  const seconds = Number(/^seconds ([\d.]+)$/m.exec(output)?.[1])
  assert.ok(seconds < 15, `told after ${seconds} s`)
}

async function impossible(): Promise<void> {
  const output = failing('cores=9999')
  assert.match(output, /GatewayClusterError/)
  assert.match(await reasons(), /Can Never Run: Insufficient amount of resource: ncpus \(R: 9999/)
}

async function limited(): Promise<void> {
  writeSettings({ jobsPerUser: 3 })
  const name = begin('', 2)
  client(`gateway.scale_cluster("${name}", 4)`)
  await waitFor(
    "the queue's words",
    async () => /would exceed complex's per-user limit/.test(await api(`clusters/${name}/events`)),
    60_000,
  )
  writeSettings()
  client(`
cluster = gateway.connect("${name}")
cluster.get_client().wait_for_workers(4, timeout=120)
`)
  await stop(name)
}

async function startWhileDown(): Promise<void> {
  writeFileSync(`${place}/down`, '')
  const { name } = JSON.parse(await api('clusters/', 'POST')) as { name: string }
  await waitFor(
    'the start to be delayed',
    async () => /cannot connect to server pbs/.test(await api(`clusters/${name}/events`)),
    60_000,
  )
  rmSync(`${place}/down`)
  client(`
cluster = gateway.connect("${name}")
cluster.scale(1)
cluster.get_client().wait_for_workers(1, timeout=120)
`)
  assert.equal(Object.keys(JSON.parse(qstat()).Jobs).length, 2)
  await stop(name)
}

async function failingNode(): Promise<void> {
  const names = [begin('', 1), begin('stagein=False', 1)]
  writeSettings({ nodeDown: true })
  for (const [index, name] of names.entries()) {
    await waitFor(
      `the end of ${name}`,
      async () =>
        (JSON.parse(await api(`clusters/${name}`)) as { status: string }).status === 'FAILED',
      90_000,
    )
    const told = await api(`clusters/${name}/events`)
    assert.match(told, /The scheduler ended: the node failed: PBS could not reach it/)
    assert.equal(/Scheduler at/.test(told), index === 1)
  }
  writeSettings()
}

async function hiddenJobs(): Promise<void> {
  writeSettings({ operators: [], queryOtherJobs: false, history: false })
  const name = begin('', 1)
  assert.doesNotMatch(as('dask', '/opt/pbs/bin/qstat', '-f', '-F', 'json'), /Jobs/)
  writeFileSync(`${place}/down`, '')
  await api(`clusters/${name}`, 'DELETE')
  await waitFor(
    'the stop to be delayed',
    async () => /cannot connect|Couldn't connect/.test(await api(`clusters/${name}/events`)),
    60_000,
  )
  rmSync(`${place}/down`)
  await waitFor('the cluster to end', () => !left().includes(name), 90_000)
  writeSettings()
}

async function nothingLeft(): Promise<void> {
  await waitFor('the queue to be empty', () => !qstat().includes('"Jobs"'), 60_000)
  await waitFor('the staging directories to be removed', () => left().length === 0, 60_000)
  assert.deepEqual(
    readdirSync('/home/alice').filter((name) => name.startsWith('pbs.')),
    [],
  )
  // Those that have ended and that nobody has waited for have no command line. A last look may be under way.
  const running = () =>
    spawnSync('ps', ['-u', 'alice', '-o', 'stat=,args='], { encoding: 'utf8' }).stdout.replaceAll(
      /^Z.*\n/gm,
      '',
    )
  await waitFor('no process of alice to run', () => running() === '', 30_000)
  assert.deepEqual(
    readdirSync('/var/dask-gateway/').filter((each) => each.endsWith('.new')),
    [],
  )
}

function left(): readonly string[] {
  return existsSync(staging) ? readdirSync(staging) : []
}

function qstat(): string {
  return as('dask', '/opt/pbs/bin/qstat', '-f', '-F', 'json')
}

/** A cluster that stays, with so many workers. */
function begin(given: string, workers: number): string {
  const output = client(`
cluster = gateway.new_cluster(shutdown_on_close=False, ${given})
cluster.scale(${workers})
cluster.get_client().wait_for_workers(${workers}, timeout=120)
print("name", cluster.name)
`)
  const [, name = ''] = /^name (\S+)$/m.exec(output) ?? []
  return name
}

async function stop(name: string): Promise<void> {
  await api(`clusters/${name}`, 'DELETE')
  await waitFor('the cluster to end', () => !left().includes(name), 60_000)
}

/** What a user is told whose cluster fails. */
function failing(given: string): string {
  return client(`
begun = time.monotonic()
try:
    gateway.new_cluster(${given})
except Exception as error:
    print(type(error).__name__, error)
print("seconds", time.monotonic() - begun)
`)
}

/** What the owner of the newest failed cluster is told. */
async function reasons(): Promise<string> {
  const failed = JSON.parse(await api('clusters/?status=failed')) as Record<
    string,
    { start_time: number }
  >
  const [newest] = Object.entries(failed).toSorted(([, a], [, b]) => b.start_time - a.start_time)
  return await api(`clusters/${newest?.[0]}/events`)
}

async function api(path: string, method = 'GET'): Promise<string> {
  const headers = { Authorization: `Basic ${Buffer.from('alice:').toString('base64')}` }
  const body = method === 'POST' ? '{"cluster_options": {}}' : null
  const response = await fetch(`http://cluster:8000/api/v1/${path}`, { method, headers, body })
  const text = await response.text()
  assert.ok(response.ok, `${path}: ${text}`)
  return text
}

/** Runs the unmodified client as alice. */
function client(program: string): string {
  const head = `
import time
from dask_gateway import Gateway
gateway = Gateway("http://cluster:8000")
`
  return as('alice', String(python), '-c', `${head}${program}`)
}

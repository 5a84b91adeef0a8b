// Run by slurm.test.ts on a machine with a Slurm: slurm.scenario.ts PYTHON. Throws when something is not as it should be.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { waitFor } from '../fakes/wait-for.ts'
import { as, installByGuide, startGateway } from '../support/job-queue-tree.ts'

const [python] = process.argv.slice(2)
if (python === undefined) throw new Error('usage: slurm.scenario.ts PYTHON')
const home = '/home/alice'

// As the guide has it, with options for what is to go wrong.
const configuration = `
from dask_gateway_server.options import Options, String

c.DaskGateway.backend_class = (
    "dask_gateway_server.backends.jobqueue.slurm.SlurmBackend"
)
c.Proxy.address = ':8000'
c.Proxy.tcp_address = ':8001'
c.SlurmClusterConfig.scheduler_cmd = "~/miniconda/bin/dask-scheduler"
c.SlurmClusterConfig.worker_cmd = "~/miniconda/bin/dask-worker"

def options_handler(options):
    setup = "source ~/miniconda/bin/activate %s" % options.environment
    return {
        "scheduler_setup": setup + options.more, "worker_setup": setup, "partition": options.partition,
    }

c.Backend.cluster_options = Options(
    String("environment", default="base", label="Conda Environment"),
    String("partition", default="batch"),
    String("more", default=""),
    handler=options_handler,
)
c.JobQueueClusterConfig.worker_memory = '1 G'
c.JobQueueClusterConfig.worker_cores = 2
c.JobQueueClusterBackend.cluster_start_timeout = 600
c.JobQueueClusterBackend.worker_start_timeout = 600
`

installByGuide(configuration, python)
const gateway = await startGateway()
try {
  await step('a cluster is created, scaled, used and stopped', useCluster)
  await step('what stands in for the commands of the guide is told', standIns)
  await step('what sbatch refuses is told in its words', refusedPartition)
  await step('a scheduler that dies at once is told with its log', dyingScheduler)
  await step('a user whom sudo does not allow is told so', userWithoutRule)
  await step('nothing is left', nothingLeft)
} catch (error) {
  console.error(gateway.text())
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
  const output = client(`
with gateway.new_cluster() as cluster:
    cluster.scale(2)
    client = cluster.get_client()
    client.wait_for_workers(2, timeout=120)
    print(client.submit(sum, range(10)).result(timeout=60))
    def look():
        import os, getpass
        return getpass.getuser(), os.environ["ACTIVATED"], os.environ.get("SLURM_ARRAY_TASK_ID")
    print(sorted(client.run(look).values()))
    import subprocess
    print(subprocess.run(["squeue", "-h", "--array", "-o", "%u %T"], capture_output=True, text=True).stdout)
    cluster.scale(1)
    while len(cluster.scheduler_info["workers"]) != 1:
        time.sleep(0.1)
print("done")
`)
  assert.match(output, /^45$/m)
  assert.match(output, /\[\('alice', 'base', '0'\), \('alice', 'base', '1'\)\]/)
  assert.match(output, /(alice RUNNING\n){3}/)
  assert.match(output, /^done$/m)
}

async function standIns(): Promise<void> {
  const told = await waitFor('the end', () => reasons('alice', 'stopped') || null, 60_000)
  for (const kind of ['scheduler', 'worker'])
    assert.match(
      told,
      new RegExp(
        `"note".*${kind}_cmd: /home/alice/miniconda/bin/dask-${kind} does not exist; /home/alice/miniconda/bin/dask ${kind} runs instead`,
      ),
    )
}

function refusedPartition(): void {
  const output = client(`
try:
    gateway.new_cluster(partition="nope")
except Exception as error:
    print(type(error).__name__, error)
`)
  assert.match(output, /GatewayClusterError/)
  assert.match(reasons(), /invalid partition specified: nope/)
}

function dyingScheduler(): void {
  const output = client(`
begun = time.monotonic()
try:
    gateway.new_cluster(more="; echo it is broken; exit 7")
except Exception as error:
    print(type(error).__name__, error)
print("seconds", time.monotonic() - begun)
`)
  assert.match(output, /GatewayClusterError/)
  assert.match(reasons(), /exited with status 7/)
  const seconds = Number(/^seconds ([\d.]+)$/m.exec(output)?.[1])
  assert.ok(seconds < 15, `told after ${seconds} s`)
}

/** The launcher cannot be asked to clean up either; nothing was made that it would have to. */
function userWithoutRule(): void {
  execFileSync('gpasswd', ['--delete', 'bob', 'dask_users'], { stdio: 'ignore' })
  const output = client(
    `
try:
    gateway.new_cluster()
except Exception as error:
    print(type(error).__name__, error)
`,
    'bob',
  )
  assert.match(output, /GatewayClusterError/)
  assert.match(reasons('bob'), /may not act for this user.*password is required/)
}

async function nothingLeft(): Promise<void> {
  await waitFor('the queue to be empty', () => squeue() === '', 60_000)
  const staging = `${home}/.dask-gateway`
  await waitFor(
    'the staging directories to be removed',
    () => !existsSync(staging) || readdirSync(staging).length === 0,
    60_000,
  )
}

function squeue(): string {
  return execFileSync('squeue', ['--noheader'], { encoding: 'utf8' })
}

/** What the newest cluster's owner is told at the API. */
function reasons(user = 'alice', status = 'failed'): string {
  return client(
    `
import base64, json, urllib.request
def get(path):
    request = urllib.request.Request("http://cluster:8000/api/v1/" + path)
    request.add_header("Authorization", "Basic " + base64.b64encode(b"${user}:").decode())
    return json.load(urllib.request.urlopen(request))
for report in gateway.list_clusters(status="${status}"):
    print(json.dumps(get("clusters/%s/events" % report.name)))
`,
    user,
  )
}

/** Runs the unmodified client. */
function client(program: string, user = 'alice'): string {
  const head = 'import time\nfrom dask_gateway import Gateway\n'
  const made = 'gateway = Gateway("http://cluster:8000", proxy_address="gateway://cluster:8001")\n'
  return as(user, String(python), '-c', `${head}${made}${program}`)
}

// Run by yarn*.test.ts inside machines with Hadoop: a gateway, used by the unmodified client and by mini_dask.py.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { randomHex } from '../../src/util/index.ts'
import { python as daskPython } from '../e2e/harness.ts'
import { hadoopDaemon, hadoopLogs, hadoopPlaces, runAs } from '../support/hadoop.ts'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'

installGateway()
// Of this run alone, as files are searched for it.
const valueOfAlice = randomHex(16)
const gateway = await new YarnGateway({
  name: 'y',
  config: `
c.DBBackendBase.stop_clusters_on_shutdown = False
c.DBBackendBase.cluster_status_period = 2
c.YarnClusterConfig.queue = "dask"
c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "256 M"
c.ClusterConfig.environment["OF_ALICE"] = "${valueOfAlice}"
`,
}).start()
after(async () => {
  await gateway.stop()
  if (process.env.HADOOP_SHOW_LOGS !== undefined) console.log(await hadoopLogs(), gateway.log())
})

/** A cluster of alice that runs, with so many workers. */
async function cluster(count: number, settings: { readonly [name: string]: unknown } = {}) {
  const name = await gateway.create('alice', settings)
  await gateway.becomes('alice', name, 'RUNNING')
  if (count > 0) await workersOf(name, count)
  return name
}

async function workersOf(name: string, count: number): Promise<void> {
  await gateway.scale('alice', name, count)
  await hasWorkers(name, count)
}

const hasWorkers = (name: string, count: number) =>
  gateway.until(`${count} workers`, async () => (await gateway.running('alice', name)) === count)

async function end(name: string): Promise<void> {
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
}

test('the unmodified client creates, scales, computes, reads and stops', async () => {
  const setup = `source ${dirname(daskPython)}/activate`
  const settings = {
    ...{ scheduler_cmd: 'dask-scheduler', worker_cmd: 'dask-worker' },
    ...{ scheduler_setup: setup, worker_setup: setup },
    ...{ scheduler_memory: 1 << 30, worker_memory: 1 << 30, worker_cores: 2 },
  }
  const program = `
import time
from dask_gateway import Gateway, BasicAuth
gateway = Gateway("${gateway.url}", auth=BasicAuth("alice", ""))
begun = time.monotonic()
with gateway.new_cluster(settings=${JSON.stringify(settings)}) as cluster:
    print("running after", time.monotonic() - begun)
    client = cluster.get_client()
    begun = time.monotonic()
    cluster.scale(1)
    client.wait_for_workers(1, timeout=120)
    print("worker after", time.monotonic() - begun)
    cluster.scale(2)
    client.wait_for_workers(2, timeout=120)
    print("sum", client.submit(sum, range(10)).result(timeout=60))
    def look():
        import os
        return os.environ["USER"], os.environ["CONTAINER_ID"][:9], os.environ["OF_ALICE"]
    print("seen", sorted(set(client.run(look).values())))
    cluster.scale(1)
    while len(cluster.scheduler_info["workers"]) != 1:
        time.sleep(0.1)
    print("name", cluster.name)
print("done")
`
  const { status, stdout, stderr } = await runAs('alice', [daskPython, '-c', program], {
    limitMs: 300_000,
  })
  assert.equal(status, 0, `${stdout}${stderr}${gateway.log().slice(-3000)}`)
  // Its times, and not what the next test looks for in all files that others can read, a log of this test among them.
  console.log(stdout.replaceAll(valueOfAlice, '…'))
  assert.match(stdout, /^sum 45$/m)
  assert.match(
    stdout,
    new RegExp(`^seen \\[\\('alice', 'container', '${valueOfAlice}'\\)\\]$`, 'm'),
  )
  assert.match(stdout, /^done$/m)
  const [, name = ''] = /^name (\w+)$/m.exec(stdout) ?? []
  await gateway.becomes('alice', name, 'STOPPED')
  const log = await (await gateway.ask('alice', `${name}/logs`)).text()
  assert.match(log, /distributed\.scheduler - INFO/)
  await gateway.balance()
})

test('secrets are nowhere but in files of the containers that nobody else can read', async () => {
  const name = await cluster(1)
  const folders = hadoopPlaces.containerFolders
  const secretFolders = execFileSync('find', [folders, '-name', '.dask-gateway-secrets'], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
  assert.equal(secretFolders.length, 2)
  const [folder = ''] = secretFolders
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  for (const file of readdirSync(folder))
    assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const secrets = {
    token: read('token'),
    key: read('dask.pem').split('\n')[1] ?? '',
    certificate: read('dask.crt').split('\n')[1] ?? '',
    variable: valueOfAlice,
  }
  const look = [
    `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ`,
    `cat $(find ${folders} ${hadoopPlaces.containerLogs} /tmp /var -type f)`,
    ...['apps', 'metrics', 'scheduler'].map(
      (path) => `curl -s ${hadoopPlaces.resourceManagerWeb}/ws/v1/cluster/${path}`,
    ),
    ...['apps', 'containers', 'info'].map(
      (path) => `curl -s ${hadoopPlaces.nodeManagerWeb}/ws/v1/node/${path}`,
    ),
  ].join(' 2>/dev/null; ')
  const { stdout } = await runAs('bob', ['bash', '-c', `${look} 2>/dev/null; true`])
  const logs = execFileSync('sh', [
    ...[
      '-c',
      `cat $(find ${hadoopPlaces.containerLogs} -type f); find ${folders} -name launch_container.sh -exec cat {} +`,
    ],
  ])
  const seen = `${stdout}${logs}`
  for (const sight of ['.dask-gateway.sh', 'dg-', 'launch_container.sh'])
    assert.ok(seen.includes(sight), sight)
  for (const [what, secret] of Object.entries(secrets)) {
    assert.ok(secret.length > 10, what)
    assert.ok(!seen.includes(secret), `${what} was seen`)
  }
  await end(name)
  await gateway.balance()
})

test('what YARN refuses, and why a container ended, is told in its words', async () => {
  const refused = async (settings: { readonly [name: string]: unknown }, words: RegExp) => {
    const name = await gateway.create('alice', settings)
    await gateway.becomes('alice', name, 'FAILED')
    await gateway.eventOf('alice', name, words)
  }
  await refused({ queue: 'nowhere' }, /unknown queue: nowhere/)
  await refused({ worker_memory: 2 ** 40 }, /worker of 1048576 MiB .* larger than .* 8192 MiB/)
  await refused(
    { scheduler_setup: 'echo it is broken; exit 7' },
    /exited with status 7|it is broken/,
  )
  await refused({ localize_files: { x: 'hdfs:///nowhere' } }, /there is no hdfs:\/\/\/nowhere/)
  const name = await cluster(0, { worker_setup: 'echo no such thing here >&2; exit 9' })
  await gateway.scale('alice', name, 1)
  const event = await gateway.eventOf('alice', name, /exited with status 9/)
  assert.match(event.details.log_tail?.join('\n') ?? '', /no such thing here/)
  await end(name)
  await gateway.balance()
})

test('files of HDFS and of the gateway are there, archives unpacked', async () => {
  mkdirSync('/srv/files', { recursive: true })
  writeFileSync('/srv/files/greeting', 'hello from here\n')
  execFileSync('sh', [
    '-c',
    'cd /srv/files && tar czf /tmp/archive.tar.gz greeting && chmod 644 /tmp/archive.tar.gz',
  ])
  const login =
    process.env.HADOOP_SECURITY === 'kerberos'
      ? `kinit -kt ${hadoopPlaces.daskKeytab} dask && `
      : ''
  const put = `${login}hdfs dfs -put -f /tmp/archive.tar.gz /dask-gateway/archive.tar.gz`
  const { status, stderr } = await runAsRootDask(put)
  assert.equal(status, 0, stderr)
  const name = await cluster(1, {
    localize_files: {
      environment: { source: 'hdfs:///dask-gateway/archive.tar.gz', visibility: 'public' },
      here: '/srv/files/greeting',
    },
    scheduler_setup: 'cat environment/greeting here',
    worker_setup:
      '[ "$(cat environment/greeting here)" = "$(printf "hello from here\\nhello from here")" ] || exit 5',
  })
  const log = await (await gateway.ask('alice', `${name}/logs`)).text()
  assert.match(log, /hello from here\nhello from here/)
  await end(name)
  await gateway.balance()
})

const runAsRootDask = (command: string) =>
  runAs('dask', ['bash', '-c', command], { limitMs: 120_000 })

test('a killed gateway comes back to what runs, and a worker that is killed is replaced', async () => {
  const name = await cluster(2)
  await gateway.stop('SIGKILL')
  await gateway.start()
  await hasWorkers(name, 2)
  const [first] = await gateway.workers('alice', name)
  assert.ok(first !== undefined)
  process.kill(Number(readFileSync(join(gateway.notes, `worker-${first.name}`), 'utf8')), 'SIGKILL')
  await gateway.eventOf('alice', name, /Left the scheduler unexpectedly|status 137/)
  await hasWorkers(name, 2)
  await end(name)
  await gateway.balance()
})

test('a cluster whose application master is killed fails, and nothing of it is left', async () => {
  const name = await cluster(1)
  execFileSync('pkill', ['-KILL', '-u', 'yarn', '-f', '[.]dask-gateway master'])
  await gateway.becomes('alice', name, 'FAILED')
  await gateway.eventOf('alice', name, /137/)
  await gateway.balance()
})

test('a cluster outlives a restart of the ResourceManager, and grows after it', async () => {
  const name = await cluster(1)
  await hadoopDaemon('kill', 'resourcemanager')
  await hadoopDaemon('start', 'resourcemanager')
  await workersOf(name, 3)
  await end(name)
  await gateway.balance()
})

test('the doctor follows the way of a start, with a probe, and names the hop that fails', async () => {
  const doctor = (user: string, ...more: readonly string[]) =>
    gateway.doctor(`--user=${user}`, ...more)
  const python = `--ClusterConfig.scheduler_cmd=${dirname(daskPython)}/dask`
  const good = await doctor('alice', python)
  assert.match(good, /1 of 1 nodes are active/)
  assert.match(good, /alice may submit to the queue dask/)
  assert.match(good, /YARN runs an application of alice on node cluster/)
  assert.match(good, /The gateway reaches ports of node/)
  assert.match(good, /reaches the gateway's API/)
  assert.match(good, /Clusters run .*dask 20.* distributed 20.* dask-gateway|dask_gateway 20/)
  assert.match(good, /ok client to node/)
  assert.match(good, /The probe application has ended/)
  assert.match(good, /, 0 failed $/)

  const lost = await doctor('alice', python, '--Backend.api_url=http://10.77.0.1:9/api')
  assert.match(lost, /failed node to gateway .* does not reach the API at http:\/\/10\.77\.0\.1:9/)

  const none = await doctor('alice', '--YarnClusterConfig.scheduler_setup="exit 7"')
  assert.match(none, /failed (probe application|gateway to node) .*exited with status 7/)

  const small = await doctor('bob', '--YarnClusterConfig.queue=small')
  assert.match(small, /bob may not submit to the queue small/)
  assert.match(small, /An application of bob was refused/)
  await gateway.balance()
})

test('a cluster that the user killed is told so', async () => {
  const name = await cluster(0)
  const [application] = await gateway.applications()
  assert.ok(application !== undefined)
  assert.equal(application.user, 'alice')
  const login = existsSync(hadoopPlaces.keytabOf('alice'))
    ? `kinit -kt ${hadoopPlaces.keytabOf('alice')} alice && `
    : ''
  await runAs('alice', ['bash', '-c', `${login}yarn application -kill ${application.id}`])
  await gateway.becomes('alice', name, 'FAILED')
  await gateway.eventOf('alice', name, /killed by user alice/)
  await gateway.balance()
})

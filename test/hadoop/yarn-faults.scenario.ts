// Run by yarn-faults.test.ts inside a machine where tokens of HDFS live 30 s, and a node that is silent for 12 s is lost.
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { root } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { hadoopDaemon, hadoopLogs, hadoopPlaces, runAs, runAsRoot } from '../support/hadoop.ts'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'

installGateway()
const gateway = await new YarnGateway({
  name: 'f',
  config: `
c.DBBackendBase.stop_clusters_on_shutdown = False
c.DBBackendBase.cluster_status_period = 2
c.YarnClusterConfig.queue = "dask"
c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "256 M"
`,
}).start()
after(async () => {
  await gateway.stop()
  if (process.env.HADOOP_SHOW_LOGS !== undefined) console.log(await hadoopLogs(), gateway.log())
})

type Settings = { readonly [name: string]: unknown }

async function running(user: 'alice' | 'bob', settings: Settings = {}): Promise<string> {
  const name = await gateway.create(user, settings)
  await gateway.becomes(user, name, 'RUNNING')
  return name
}

async function scaled(user: 'alice' | 'bob', name: string, count: number): Promise<void> {
  await gateway.scale(user, name, count)
  await gateway.until(`${count} workers`, async () => {
    return (await gateway.running(user, name)) === count
  })
}

async function end(user: 'alice' | 'bob', name: string): Promise<void> {
  await gateway.remove(user, name)
  await gateway.becomes(user, name, 'STOPPED')
}

async function failed(settings: Settings, words: RegExp, user: 'alice' | 'bob' = 'alice') {
  const name = await gateway.create(user, settings)
  await gateway.becomes(user, name, 'FAILED')
  await gateway.eventOf(user, name, words)
}

/** As dask, to whom /dask-gateway belongs. */
async function put(text: string, path: string): Promise<void> {
  writeFileSync('/tmp/put', text, { mode: 0o644 })
  const login = `kinit -kt ${hadoopPlaces.daskKeytab} dask`
  const { status, stderr } = await runAs('dask', [
    ...['bash', '-c', `${login} && hdfs dfs -put -f /tmp/put ${path}`],
  ])
  assert.equal(status, 0, stderr)
}

const workerProcess = async (name: string, index = 0) => {
  const worker = (await gateway.workers('alice', name)).filter(({ status }) =>
    /running/i.test(status),
  )[index]
  assert.ok(worker !== undefined)
  return Number(readFileSync(join(gateway.notes, `worker-${worker.name}`), 'utf8'))
}

await put('first\n', '/dask-gateway/file')
// Its tokens end while the others run.
const bornAt = Date.now()
const old = await running('alice', { localize_files: { file: 'hdfs:///dask-gateway/file' } })

test('a worker that takes too much memory: YARN says so, before it has connected and after', async () => {
  const hog = `sleep 2; /usr/bin/python3 -c 'import time; a = b"x" * (600 << 20); time.sleep(100)'`
  const miniDask = `/usr/bin/python3 -IS ${join(root, 'test/e2e/mini_dask.py')} worker "$@"`
  const name = await running('alice', {
    worker_cmd: ['/bin/sh', '-c', `(${hog}) & exec ${miniDask}`, 'sh'],
  })
  await gateway.scale('alice', name, 1)
  const words =
    /^Left the scheduler unexpectedly: it was killed for using too much memory: Container .* running .* of 256 MB physical memory used/
  await gateway.eventOf('alice', name, words)
  await end('alice', name)
  const early = await running('alice', { worker_cmd: ['/bin/sh', '-c', hog] })
  await gateway.scale('alice', early, 1)
  await gateway.eventOf('alice', early, /^it was killed for using too much memory/)
  await end('alice', early)
})

test("a worker that is preempted by another queue's", async () => {
  const name = await running('alice', { worker_memory: 2 ** 31 })
  await scaled('alice', name, 3)
  const other = await running('bob', { queue: 'default', worker_memory: 3 * 2 ** 30 })
  await scaled('bob', other, 1)
  // YARN tells the application master at once, so that its scheduler may miss it later.
  await gateway.eventOf('alice', name, /^(Left the scheduler unexpectedly: )?YARN preempted it/)
  await end('alice', name)
  await end('bob', other)
})

test('a file of HDFS that was changed after the submission is named', async () => {
  const blocker = await running('alice', { queue: 'small', scheduler_memory: 700 << 20 })
  await put('one\n', '/dask-gateway/changing')
  const name = await gateway.create('alice', {
    ...{ queue: 'small', scheduler_memory: 700 << 20 },
    localize_files: { changing: 'hdfs:///dask-gateway/changing' },
  })
  await gateway.eventOf('alice', name, /limit/)
  await put('another\n', '/dask-gateway/changing')
  await end('alice', blocker)
  await gateway.becomes('alice', name, 'FAILED')
  await gateway.eventOf('alice', name, /dask-gateway\/changing.* changed on src filesystem/)
})

test('who has no home in HDFS is told so, where it is needed', async () => {
  writeFileSync('/srv/greeting', 'hello\n')
  const words = /here: there is no home of bob in HDFS/
  await failed({ queue: 'default', localize_files: { here: '/srv/greeting' } }, words, 'bob')
})

test('a queue that is stopped, then deleted', async () => {
  const file = join(hadoopPlaces.configuration, 'capacity-scheduler.xml')
  const before = readFileSync(file, 'utf8')
  const refresh = async (text: string) => {
    writeFileSync(file, text)
    const login = `kinit -kt /etc/security/keytabs/yarn.keytab yarn/${hadoopPlaces.host}`
    const { status, stderr } = await runAs('yarn', [
      ...['bash', '-c', `${login} && yarn rmadmin -refreshQueues`],
    ])
    assert.equal(status, 0, stderr)
  }
  const property = (name: string, value: string) =>
    `<property><name>yarn.scheduler.capacity.root.${name}</name><value>${value}</value></property>`
  const stopped = before.replace('</configuration>', `${property('small.state', 'STOPPED')}$&`)
  await refresh(stopped)
  await failed({ queue: 'small' }, /ready: Queue root.small is STOPPED/)
  const without = `${property('queues', 'default,dask')}${property('default.capacity', '60')}</configuration>`
  await refresh(stopped.replace('</configuration>', without))
  await failed({ queue: 'small' }, /unknown queue: small/)
  await refresh(before)
})

test('the ResourceManager is away at each step', async () => {
  const away = async (work: () => Promise<void>) => {
    await hadoopDaemon('kill', 'resourcemanager')
    await work()
    await hadoopDaemon('start', 'resourcemanager')
  }
  let name = ''
  await away(async () => {
    name = await gateway.create('alice')
  })
  await gateway.becomes('alice', name, 'RUNNING')
  await away(() => gateway.scale('alice', name, 2))
  await scaled('alice', name, 2)
  await away(() => gateway.remove('alice', name))
  await gateway.becomes('alice', name, 'STOPPED')
})

test("workers get a cluster's files after the tokens of its start have ended", async () => {
  await waitFor('the first tokens to end', async () => Date.now() > bornAt + 31_000, 60_000)
  const fetched = () =>
    runAsRoot(
      'find',
      `${hadoopPlaces.containerFolders}/usercache/alice`,
      '-path',
      '*/filecache/*/file',
    )
  const [path = ''] = (await fetched()).split('\n')
  // Else it is not fetched again.
  rmSync(path)
  await scaled('alice', old, 1)
  assert.notEqual(await fetched(), '')
})

test('a node that is lost with its worker: the worker is replaced, and its user knows why', async () => {
  await scaled('alice', old, 0)
  // Its scheduler is on the first node, so that there is room for the worker on the second alone.
  const name = await running('alice', { worker_memory: 2 ** 33 })
  await hadoopDaemon('start', 'second-nodemanager')
  await scaled('alice', name, 1)
  const worker = await workerProcess(name)
  await hadoopDaemon('kill', 'second-nodemanager')
  process.kill(worker, 'SIGKILL')
  await gateway.eventOf('alice', name, /unexpectedly: its node .*:8051 does not answer/)
  await hadoopDaemon('start', 'second-nodemanager')
  await gateway.until('another', async () => (await gateway.running('alice', name)) === 1)
  await end('alice', name)
  await hadoopDaemon('kill', 'second-nodemanager')
})

test('the node of the scheduler is lost: the cluster fails, and nothing of it is left', async () => {
  await scaled('alice', old, 1)
  await hadoopDaemon('kill', 'nodemanager')
  await gateway.becomes('alice', old, 'FAILED')
  await gateway.eventOf('alice', old, /lost/)
  await hadoopDaemon('start', 'nodemanager')
  await gateway.balance()
  await gateway.until('no process to be left', async () => {
    return (
      (await runAsRoot(
        'sh',
        '-c',
        'pgrep -f "[.]dask-gateway (master|worker)|[m]ini_dask" || true',
      )) === ''
    )
  })
})

test('a keytab that is missing, closed or for somebody else ends the start with its name', async () => {
  const start = async (keytab: string) => {
    const file = join(gateway.directory, 'other.py')
    writeFileSync(
      file,
      `${readFileSync(join(gateway.directory, 'config.py'), 'utf8')}
c.YarnBackend.keytab = "${keytab}"
c.Proxy.address = "127.0.0.1:0"
`,
    )
    const { status, stderr, stdout } = await runAs('dask', [
      '/opt/dask-gateway/bin/dask-gateway-server',
      '-f',
      file,
    ])
    assert.notEqual(status, 0)
    return `${stdout}${stderr}`
  }
  await gateway.stop()
  assert.match(await start('/nowhere.keytab'), /YarnBackend\.keytab: .*\/nowhere\.keytab/)
  assert.match(
    await start('/etc/security/keytabs/hdfs.keytab'),
    /hdfs\.keytab.*(permission|not be read)/i,
  )
  writeFileSync('/tmp/alice.keytab', readFileSync(hadoopPlaces.keytabOf('alice')), { mode: 0o644 })
  assert.match(
    await start('/tmp/alice.keytab'),
    /alice\.keytab has no key of dask; it has those of alice@DASK\.TEST/,
  )
})

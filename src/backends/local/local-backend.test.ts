import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
} from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import {
  type BackendUnderTest,
  backendContract,
  eventually,
  testCluster,
} from '../../../test/contracts/backend.ts'
import {
  type BackendContext,
  type Cluster,
  type Json,
  type Observation,
  resolveSettings,
} from '../../core/index.ts'
import { readProcess } from '../../util/index.ts'
import { lookUpAccount } from '../account.ts'
import { accountOfEachUser, isRoot as asRoot, oneAccount } from './accounts.ts'
import { defaultClustersRoot } from './clusters-root.ts'
import { createLocalBackend, type LocalValues } from './local-backend.ts'
import { localBackendSettings } from './settings.ts'

const isRoot = asRoot()
// Root may not run clusters, so that as root the suite runs them as the one account that every system has.
const user = isRoot ? 'nobody' : null
const silent = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const signal = AbortSignal.timeout(300_000)

const settings = (more: Partial<LocalValues> = {}): LocalValues => ({
  ...resolveSettings(localBackendSettings, new Map()),
  ...{ sigint_timeout: 0.5, sigterm_timeout: 0.5 },
  ...more,
})
const instance = () => crypto.randomUUID().replaceAll('-', '')

async function makeRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'local-backend-'))
  await chmod(root, 0o711)
  await mkdir(join(root, 'scratch'))
  await chmod(join(root, 'scratch'), 0o777)
  return root
}

function contextFor(root: string, instanceId: string, wake = () => {}): BackendContext {
  const apiUrl = 'http://127.0.0.1:1/api'
  return { instanceId, stateDirectory: root, apiUrl, wake, logger: silent }
}

/** `each`: LocalBackend, else UnsafeLocalBackend. */
async function setup(each: boolean): Promise<BackendUnderTest> {
  const accounts = each ? accountOfEachUser : oneAccount(user)
  const root = await makeRoot()
  const values = settings({ clusters_directory: join(root, 'clusters') })
  const context = contextFor(root, instance())
  const open = async (instanceId = context.instanceId) => {
    const backend = createLocalBackend(values, accounts, { ...context, instanceId })
    await backend.start(signal)
    return backend
  }
  return {
    username: each ? 'nobody' : userInfo().username,
    scratch: join(root, 'scratch'),
    open: () => open(),
    openOther: () => open(instance()),
    startFromGatewayThatDies: (cluster) => startAndKill({ each, user, values, context, cluster }),
    close: async () => {
      assert.deepEqual(await readdir(join(root, 'clusters')), [])
      await rm(root, { recursive: true })
    },
  }
}

async function startAndKill(given: {
  each: boolean
  user: string | null
  values: LocalValues
  context: BackendContext
  cluster: Cluster
}): Promise<Json> {
  const fixture = join(import.meta.dirname, 'start-and-wait.fixture.ts')
  const child = spawn(process.execPath, [fixture], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(given))
  child.stdout.once('data', () => child.kill('SIGKILL'))
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.equal(child.signalCode, 'SIGKILL')
  const outcome = JSON.parse(said)
  assert.equal(outcome.outcome, 'started', said)
  return outcome.handle
}

backendContract('UnsafeLocalBackend', () => setup(false))
if (isRoot) backendContract('LocalBackend', () => setup(true))
else
  test('LocalBackend is a backend', { skip: process.env.CI ? false : 'needs root' }, () => {
    assert.fail('the tests of LocalBackend need root')
  })

describe('the local backend', () => {
  let root: string
  before(async () => {
    root = await makeRoot()
  })
  after(() => rm(root, { recursive: true }))

  const opened = async (
    more: Partial<LocalValues> = {},
    instanceId = instance(),
    accounts = oneAccount(user),
  ) => {
    let woken = 0
    const values = settings({ clusters_directory: join(root, 'clusters'), ...more })
    const context = contextFor(root, instanceId, () => {
      woken++
    })
    const backend = createLocalBackend(values, accounts, context)
    await backend.start(signal)
    return { backend, instanceId, woken: () => woken }
  }
  const refOf = (cluster: Cluster, handle: Json | null) => ({
    ...{ clusterName: cluster.name, username: cluster.username, workerName: null },
    ...{ attemptId: cluster.attempt?.id ?? '', createdAt: 0, handle },
  })

  const openedAs = (name: string | null) => opened({}, instance(), oneAccount(name))

  test('root may not run clusters', { skip: !isRoot }, async () => {
    await assert.rejects(openedAs(null), /root may not run them.*UnsafeLocalBackend\.user/)
    await assert.rejects(openedAs('root'), /account of the system \(uid 0/)
    await assert.rejects(openedAs('daemon'), /account of the system \(uid 1,/)
  })

  if (!isRoot)
    test('only root can run clusters as their users', async () => {
      await assert.rejects(opened({}, instance(), accountOfEachUser), /which only root can do/)
    })

  test('an account must exist, by exactly this name', async () => {
    await assert.rejects(openedAs('no-such-account'), /there is no account "no-such-account"/)
    await assert.rejects(openedAs('-x'), /cannot be the name of an account/)
    if (isRoot) await assert.rejects(openedAs('65534'), /cannot be the name of an account/)
    else if (userInfo().username !== 'nobody')
      await assert.rejects(openedAs('nobody'), /only a gateway started as root/)
  })

  test('names that are no account of an ordinary user are refused in words', async () => {
    const odd = [
      '',
      '#1000',
      '%wheel',
      '-u',
      '+nis',
      'a/b',
      '..',
      '1000',
      '0',
      'a b',
      'a\nb',
      'a:b',
      'a\0',
      'ü',
    ]
    for (const name of [...odd, 'a'.repeat(300)]) {
      const account = await lookUpAccount(name, signal)
      assert.match('refused' in account ? account.refused : '', /^".*" cannot be the name of an/)
    }
    for (const name of ['root', 'daemon']) {
      const account = await lookUpAccount(name, signal)
      assert.match('refused' in account ? account.refused : '', /is an account of the system/)
    }
    const nobody = await lookUpAccount('nobody', signal)
    assert.ok(!('refused' in nobody))
    assert.deepEqual([nobody.name, nobody.uid], ['nobody', 65534])
  })

  test('a user without an account is refused, and nothing is made', { skip: !isRoot }, async () => {
    const { backend, instanceId } = await opened({}, instance(), accountOfEachUser)
    const cluster = testCluster('no-such-account', 'true')
    const worker = { workerName: 'w1', attemptId: 'a1' }
    for (const outcome of [
      await backend.startScheduler(cluster, signal),
      (await backend.startWorkers(cluster, [worker], signal)).get('a1'),
    ]) {
      assert.ok(outcome?.outcome === 'refused')
      assert.match(outcome.reason, /no account "no-such-account"/)
    }
    const made = await readdir(join(root, 'clusters'))
    assert.deepEqual(
      made.filter((name) => name.includes(instanceId)),
      [],
    )
    await backend.stop()
  })

  test('a directory that users cannot enter is refused', { skip: !isRoot }, async () => {
    const closed = join(root, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await assert.rejects(
      opened({ clusters_directory: join(closed, 'clusters') }),
      /users cannot enter .*closed;/,
    )
  })

  test('a directory that a user could replace is refused', { skip: !isRoot }, async () => {
    const [theirs, link] = [join(root, 'theirs'), join(root, 'link')]
    await mkdir(theirs, { mode: 0o755 })
    await chown(theirs, 65534, 65534)
    await symlink(root, link)
    await lchown(link, 65534, 65534)
    for (const each of [theirs, link])
      await assert.rejects(
        opened({ clusters_directory: join(each, 'clusters') }),
        /is not root's; its owner could/,
      )
    await mkdir(join(root, 'open'))
    await chmod(join(root, 'open'), 0o777)
    await assert.rejects(
      opened({ clusters_directory: join(root, 'open/clusters') }),
      /others may write in .*open$/,
    )
  })

  test('without a setting, directories are beside the records, or where users can pass through', async () => {
    if (isRoot) assert.equal(defaultClustersRoot(root, 'i'), '/var/lib/dask-gateway-clusters/i')
    else {
      const { backend } = await opened({ clusters_directory: null })
      assert.equal((await stat(join(root, 'clusters'))).mode & 0o777, 0o700)
      await backend.stop()
    }
    const { backend } = await opened({ clusters_directory: join(root, 'new/parent/clusters') })
    for (const name of ['new', 'new/parent', 'new/parent/clusters'])
      assert.equal((await stat(join(root, name))).mode & 0o777, isRoot ? 0o711 : 0o700)
    await backend.stop()
  })

  test('what escapes by every way is stopped, and the status is that of the command', async () => {
    const { backend } = await opened()
    const out = join(root, 'scratch', instance())
    // A session of its own, two parents that end, an environment with nothing in it.
    const escaping = `exec env -i /bin/sh -c 'trap "" INT TERM; echo $$ >> ${out}; while :; do sleep 1; done'`
    const script = `for n in 1 2 3; do setsid sh -c '(${escaping.replaceAll("'", `'\\''`)}) & (setsid sh -c "exit" &)' & done
      until [ "$(wc -l < ${out})" = 3 ]; do sleep 0.05; done; `
    const pidsOf = async () => {
      const pids = (await readFile(out, 'utf8')).trim().split('\n').map(Number)
      await rm(out)
      return pids
    }
    const ending = testCluster('alice', `${script} exit 7`)
    const first = await backend.startScheduler(ending, signal)
    const ref = refOf(ending, first.outcome === 'started' ? first.handle : null)
    await eventually(async () => {
      const seen = (await backend.observe([ref], signal)).get(ref.attemptId)
      assert.deepEqual(withoutTimes(seen), {
        ...{ state: 'gone', reason: 'exited with status 7', exitCode: 7 },
      })
    })
    for (const pid of await pidsOf()) assert.equal(readProcess(pid), null)
    const staying = testCluster('alice', `${script} sleep 60`)
    const second = await backend.startScheduler(staying, signal)
    const other = refOf(staying, second.outcome === 'started' ? second.handle : null)
    const pids = await eventually(async () => {
      assert.equal((await readFile(out, 'utf8')).split('\n').length, 4)
      return await pidsOf()
    })
    await backend.stopObjects(staying, [other], signal)
    await eventually(async () => {
      const seen = (await backend.observe([other], signal)).get(other.attemptId)
      assert.equal(seen?.state, 'gone')
    })
    for (const pid of pids) assert.equal(readProcess(pid), null)
    for (const each of [ending, staying]) await backend.cleanUp(each, signal)
    await backend.stop()
  })

  test('a process that runs holds no descriptor of the gateway', async () => {
    const { backend } = await opened()
    const cluster = testCluster('alice', 'sleep 60')
    const descriptors = () => readdir('/proc/self/fd').then((names) => names.length)
    const before = await descriptors()
    const outcome = await backend.startScheduler(cluster, signal)
    assert.ok(outcome.outcome === 'started')
    await eventually(async () => assert.ok((await descriptors()) <= before))
    const ref = refOf(cluster, outcome.handle)
    await backend.stopObjects(cluster, [ref], signal)
    await eventually(async () => {
      const seen = (await backend.observe([ref], signal)).get(ref.attemptId)
      assert.equal(seen?.state, 'gone')
    })
    await backend.cleanUp(cluster, signal)
    await backend.stop()
  })

  test('what a killed supervisor leaves is found by its marker', async () => {
    const { backend } = await opened()
    const cluster = testCluster('alice', 'setsid sleep 60 & echo $!; exec sleep 60')
    const outcome = await backend.startScheduler(cluster, signal)
    assert.ok(outcome.outcome === 'started')
    const ref = refOf(cluster, outcome.handle)
    const pid = await eventually(async () => {
      const log = String(await backend.logs(cluster, ref, 100, signal))
      assert.match(log, /^\d+\n$/)
      return Number(log)
    })
    process.kill((outcome.handle as { pid: number }).pid, 'SIGKILL')
    await eventually(async () => {
      const seen = (await backend.observe([ref], signal)).get(ref.attemptId)
      assert.equal(seen?.state, 'gone', JSON.stringify(seen))
    })
    await eventually(async () => assert.equal(readProcess(pid), null))
    await backend.cleanUp(cluster, signal)
    await backend.stop()
  })

  test('a signal that ends a process is named, and its end wakes the gateway', async () => {
    const { backend, woken } = await opened()
    const cluster = testCluster('alice', 'kill -9 $$')
    const outcome = await backend.startScheduler(cluster, signal)
    assert.equal(outcome.outcome, 'started')
    const ref = refOf(cluster, outcome.outcome === 'started' ? outcome.handle : null)
    await eventually(async () => assert.equal(woken(), 1))
    assert.deepEqual(withoutTimes((await backend.observe([ref], signal)).get(ref.attemptId)), {
      ...{ state: 'gone', reason: 'killed by signal 9 (SIGKILL)', exitCode: null },
    })
    await backend.cleanUp(cluster, signal)
    await backend.stop()
  })

  test('only what a setting names is passed on, and a name that is none is refused', async () => {
    const { backend } = await opened({ inherited_environment: ['PATH'] })
    process.env.DG_TEST_SECRET = 'x'
    const cluster = testCluster('alice', 'env')
    const outcome = await backend.startScheduler(cluster, signal)
    const ref = refOf(cluster, outcome.outcome === 'started' ? outcome.handle : null)
    await eventually(async () =>
      assert.equal((await backend.observe([ref], signal)).get(ref.attemptId)?.state, 'gone'),
    )
    const log = String(await backend.logs(cluster, ref, 10_000, signal))
    assert.ok(log.includes(`PATH=${process.env.PATH}\n`) && !log.includes('DG_TEST_SECRET'))
    const odd = testCluster('alice', 'env', { 'A B': '1' })
    assert.deepEqual(await backend.startScheduler(odd, signal), {
      ...{ outcome: 'refused', reason: 'environment: "A B" cannot be the name of a variable' },
    })
    for (const each of [cluster, odd]) await backend.cleanUp(each, signal)
    await backend.stop()
  })

  test('a link in the place of a log is neither read nor written', async () => {
    const { backend, instanceId } = await opened()
    const cluster = testCluster('alice', 'echo overwritten')
    const directory = join(root, 'clusters', `dg-${instanceId}-${cluster.name}`)
    await mkdir(join(directory, 'logs'), { recursive: true })
    const victim = join(root, 'victim')
    await symlink(victim, join(directory, 'logs/scheduler.log'))
    await assert.rejects(backend.startScheduler(cluster, signal), { code: 'ELOOP' })
    await assert.rejects(stat(victim), { code: 'ENOENT' })
    assert.equal(await backend.logs(cluster, refOf(cluster, null), 100, signal), null)
    await backend.cleanUp(cluster, signal)
    await backend.stop()
  })

  test('what lies deeper than a path may be long is removed too', async () => {
    const { backend } = await opened()
    const script =
      'n=100; while [ $n -lt 130 ]; do d=$(printf %0200d $n); mkdir $d; cd -P $d; n=$((n+1)); done; chmod 0 .; echo done'
    const cluster = testCluster('alice', script)
    await backend.startScheduler(cluster, signal)
    const ref = refOf(cluster, null)
    await eventually(async () =>
      assert.match(String(await backend.logs(cluster, ref, 100, signal)), /done\n$/),
    )
    await backend.cleanUp(cluster, signal)
    assert.ok(!(await readdir(join(root, 'clusters'))).some((name) => name.endsWith(cluster.name)))
    await backend.stop()
  })

  test('a sweep removes directories of this instance that no record knows', async () => {
    const { backend, instanceId } = await opened()
    const names = [instanceId, instance()].map((id) => `dg-${id}-${instance()}`)
    for (const name of names) {
      await mkdir(join(root, 'clusters', name, 'claims'), { recursive: true })
      for (const path of ['claims', '.']) await utimes(join(root, 'clusters', name, path), 0, 0)
    }
    assert.deepEqual(await backend.sweep(() => false, 300_000, signal), [])
    const [own = '', foreign = ''] = names
    const ownPath = join(root, 'clusters', own)
    assert.deepEqual(await backend.sweep(() => false, 300_000, signal), [`directory ${ownPath}`])
    assert.deepEqual(await readdir(join(root, 'clusters')), [foreign])
    await backend.stop()
  })
})

/** What is seen of something that is gone, which ran from a moment to a later one. */
function withoutTimes(seen: Observation | undefined) {
  assert.ok(seen?.state === 'gone')
  const { since, at, ...rest } = seen
  assert.ok(since != null && at != null && since <= at && at <= Date.now(), `${since} to ${at}`)
  return rest
}

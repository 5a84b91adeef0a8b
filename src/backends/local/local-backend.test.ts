import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes } from 'node:fs/promises'
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
import { type BackendContext, type Cluster, type Json, resolveSettings } from '../../core/index.ts'
import { createLocalBackend, type LocalValues } from './local-backend.ts'
import { unsafeLocalBackendSettings } from './settings.ts'

const isRoot = process.getuid?.() === 0
// Root may not run clusters, so that as root the suite runs them as the one account that every system has.
const user = isRoot ? 'nobody' : null
const silent = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const signal = AbortSignal.timeout(300_000)

const settings = (more: Partial<LocalValues> = {}): LocalValues => ({
  ...resolveSettings(unsafeLocalBackendSettings, new Map()),
  ...{ sigint_timeout: 0.5, sigterm_timeout: 0.5, user },
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

async function setup(): Promise<BackendUnderTest> {
  const root = await makeRoot()
  const values = settings({ clusters_directory: join(root, 'clusters') })
  const context = contextFor(root, instance())
  const open = async (instanceId = context.instanceId) => {
    const backend = createLocalBackend(values, { ...context, instanceId })
    await backend.start(signal)
    return backend
  }
  return {
    username: userInfo().username,
    scratch: join(root, 'scratch'),
    open: () => open(),
    openOther: () => open(instance()),
    startFromGatewayThatDies: (cluster) => startAndKill({ values, context, cluster }),
    close: async () => {
      assert.deepEqual(await readdir(join(root, 'clusters')), [])
      await rm(root, { recursive: true })
    },
  }
}

async function startAndKill(given: {
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

backendContract('the local backend', setup)

describe('the local backend', () => {
  let root: string
  before(async () => {
    root = await makeRoot()
  })
  after(() => rm(root, { recursive: true }))

  const opened = async (more: Partial<LocalValues> = {}, instanceId = instance()) => {
    let woken = 0
    const values = settings({ clusters_directory: join(root, 'clusters'), ...more })
    const context = contextFor(root, instanceId, () => {
      woken++
    })
    const backend = createLocalBackend(values, context)
    await backend.start(signal)
    return { backend, instanceId, woken: () => woken }
  }
  const refOf = (cluster: Cluster, handle: Json | null) => ({
    ...{ clusterName: cluster.name, username: cluster.username, workerName: null },
    ...{ attemptId: cluster.attempt?.id ?? '', createdAt: 0, handle },
  })

  test('root may not run clusters', { skip: !isRoot }, async () => {
    await assert.rejects(opened({ user: null }), /root may not run them.*UnsafeLocalBackend\.user/)
    await assert.rejects(opened({ user: 'root' }), /account of the system/)
    await assert.rejects(opened({ user: 'daemon' }), /account of the system \(uid 1\)/)
  })

  test('an account must exist, by exactly this name', async () => {
    await assert.rejects(opened({ user: 'no-such-account' }), /there is no such account/)
    await assert.rejects(opened({ user: '-x' }), /this is no name of an account/)
    if (isRoot) await assert.rejects(opened({ user: '65534' }), /this is no name of an account/)
    else await assert.rejects(opened({ user: 'nobody' }), /only a gateway started as root/)
  })

  test('a directory that the account cannot enter is refused', { skip: !isRoot }, async () => {
    const closed = join(root, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await assert.rejects(
      opened({ clusters_directory: join(closed, 'clusters') }),
      /the account nobody cannot enter .*closed;/,
    )
  })

  test('without a setting, directories are beside the records or among temporary files', async () => {
    const { backend, instanceId } = await opened({ clusters_directory: null })
    const made = isRoot ? join(tmpdir(), `dask-gateway-${instanceId}`) : join(root, 'clusters')
    assert.equal((await stat(made)).mode & 0o777, isRoot ? 0o711 : 0o700)
    await backend.stop()
    if (isRoot) await rm(made, { recursive: true })
  })

  test('a signal that ends a process is named, and its end wakes the gateway', async () => {
    const { backend, woken } = await opened()
    const cluster = testCluster('alice', 'kill -9 $$')
    const outcome = await backend.startScheduler(cluster, signal)
    assert.equal(outcome.outcome, 'started')
    const ref = refOf(cluster, outcome.outcome === 'started' ? outcome.handle : null)
    await eventually(async () => assert.equal(woken(), 1))
    assert.deepEqual((await backend.observe([ref], signal)).get(ref.attemptId), {
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

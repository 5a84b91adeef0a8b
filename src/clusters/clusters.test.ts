import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, BlockList } from 'node:net'
import { afterEach, test } from 'node:test'
import { FakeBackend } from '../../test/fakes/fake-backend.ts'
import { MemoryStore } from '../../test/fakes/memory-store.ts'
import { waitFor } from '../../test/fakes/wait-for.ts'
import {
  type ClientPresence,
  type ClusterSettings,
  clusterConfigSettings,
  dbBackendSettings,
  GatewayError,
  type Logger,
  type QuotaPolicy,
  quotasSettings,
  type Route,
  resolveSettings,
  type User,
} from '../core/index.ts'
import { type Clusters, createClusters } from './clusters.ts'
import { checkSchedulerAddress } from './scheduler-address.ts'

const alice: User = { name: 'alice', groups: [], admin: false }
const bob: User = { name: 'bob', groups: [], admin: true }
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const policyDefaults = resolveSettings(dbBackendSettings, new Map())
const settingsDefaults = resolveSettings(
  clusterConfigSettings,
  new Map(),
) as unknown as ClusterSettings

const opened: Clusters[] = []
afterEach(async () => {
  for (const clusters of opened.splice(0)) await clusters.stop()
})

interface Setup {
  readonly store?: MemoryStore
  readonly backend?: FakeBackend
  readonly policy?: Partial<typeof policyDefaults>
  readonly settings?: Partial<ClusterSettings>
  readonly quotas?: Partial<QuotaPolicy>
}

async function gateway({
  store = new MemoryStore(),
  backend = new FakeBackend(),
  policy,
  settings,
  quotas = {},
}: Setup = {}) {
  const quotaPolicy = { ...resolveSettings(quotasSettings, new Map()), ...quotas }
  const routes = new Map<string, Route>()
  const presence: { clients: ClientPresence } = { clients: { state: 'unknown' } }
  const clusters = createClusters({
    store,
    drain: store,
    quotaStore: store,
    quotaPolicy: () => quotaPolicy,
    logArchive: store,
    backend,
    routes: {
      put: (route) => routes.set(route.clusterName, route).size,
      remove: (name) => Number(routes.delete(name)),
      whenAcknowledged: async () => [],
      clientsOf: () => presence.clients,
    },
    options: {
      fieldsFor: async () => [],
      settingsFor: async () => ({}),
    },
    resolveSettings: () => ({ settings: { ...settingsDefaults, ...settings }, warnings: [] }),
    policy: { ...policyDefaults, settle_time: 0.02, backoff_base_delay: 0.005, ...policy },
    ownPorts: () => [1],
    logger: silent,
  })
  backend.onChange = () => clusters.wake()
  opened.push(clusters)
  await clusters.load()
  await clusters.start(AbortSignal.timeout(5000))
  return { clusters, service: clusters.service, store, backend, routes, presence }
}

type Gateway = Awaited<ReturnType<typeof gateway>>

async function startedScheduler({ service, store }: Gateway) {
  const { name } = await service.create(alice, {})
  await waitFor(
    'the scheduler to be started',
    () => store.clusters.get(name)?.status === 'submitted',
  )
  return name
}

interface Beat {
  readonly count?: number
  readonly active?: readonly string[]
  readonly closing?: readonly string[]
  readonly closed?: readonly string[]
  readonly api?: string
}

async function beat({ service, store }: Gateway, name: string, beat: Beat = {}) {
  const token = store.clusters.get(name)?.token ?? ''
  const heartbeat = {
    schedulerAddress: 'tls://127.0.0.1:4000',
    dashboardAddress: 'http://127.0.0.1:4001',
    apiAddress: beat.api ?? 'http://127.0.0.1:4002',
    count: beat.count ?? 0,
    activeWorkers: beat.active ?? [],
    closingWorkers: beat.closing ?? [],
    closedWorkers: beat.closed ?? [],
  }
  await service.heartbeat(name, token, heartbeat, '127.0.0.1')
}

async function runningCluster(gateway: Gateway, beatOptions: Beat = {}) {
  const name = await startedScheduler(gateway)
  await beat(gateway, name, beatOptions)
  await waitFor('RUNNING', () => gateway.service.get(alice, name).shown === 'RUNNING')
  return name
}

const workersIn = ({ store }: Gateway, ...statuses: string[]) =>
  [...store.workers.values()].filter((worker) => statuses.includes(worker.status))

test('a cluster that is asked for while the backend starts is begun when it has', async () => {
  const backend = new FakeBackend()
  const { promise: hasStarted, resolve: letStart } = Promise.withResolvers<void>()
  backend.start = () => hasStarted
  const opening = gateway({ backend })
  const clusters = await waitFor('the records to be read', () => opened.at(-1))
  await clusters.service.create(alice, {})
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  assert.deepEqual(backend.calls, [])
  letStart()
  await opening
  await waitFor('the scheduler to be started', () => backend.calls.length > 0)
})

test('a cluster starts, runs, gets its workers, and stops with everything cleaned up', async () => {
  const it = await gateway()
  const name = await runningCluster(it, { count: 3 })
  assert.deepEqual(it.routes.get(name), { clusterName: name, host: '127.0.0.1', port: 4000 })
  const workers = await waitFor('three workers', () => {
    const started = workersIn(it, 'submitted')
    return started.length === 3 && started
  })
  assert.equal(
    it.backend.calls.filter((call) => call.startsWith('start-workers')).join(),
    'start-workers 3',
  )
  await beat(it, name, { count: 3, active: workers.map((worker) => worker.name) })
  await waitFor('connected workers', () => workersIn(it, 'running').length === 3)
  await it.service.stop(alice, name)
  assert.equal(it.service.get(alice, name).shown, 'STOPPING')
  assert.deepEqual(it.service.list(alice), [])
  await waitFor('STOPPED', () => it.service.get(alice, name).shown === 'STOPPED')
  assert.equal(it.backend.alive, 0)
  assert.equal(it.routes.size, 0)
  assert.equal(it.backend.calls.at(-1), `clean-up ${name}`)
  const kinds = (await it.service.events(alice, name, 0, 100)).map((event) => event.kind)
  assert.equal(kinds[0], 'cluster-created')
  assert.equal(kinds.at(-1), 'cluster-stopped')
})

test('only the owner sees a cluster, and unknown names say so', async () => {
  const it = await gateway()
  const { name } = await it.service.create(alice, null)
  assert.throws(() => it.service.get(bob, name), {
    code: 'forbidden',
    message: `User bob lacks permissions to view cluster ${name}`,
  })
  assert.throws(() => it.service.get(bob, 'nothing'), {
    code: 'not-found',
    message: 'Cluster nothing not found',
  })
  await assert.rejects(it.service.stop(bob, name), { code: 'forbidden' })
  await it.service.stop(bob, 'nothing')
  assert.deepEqual(it.service.list(bob), [])
})

test('a refused start fails the cluster with the refusal', async () => {
  const it = await gateway()
  it.backend.schedulerFaults.push('refuse')
  const { name } = await it.service.create(alice, {})
  const view = await waitFor('FAILED', () => {
    const now = it.service.get(alice, name)
    return now.shown === 'FAILED' && now
  })
  assert.equal(view.cluster.reason, 'no such queue')
})

test('a lost reply is found again: adopted, not started twice', async () => {
  const it = await gateway()
  it.backend.schedulerFaults.push('lose-reply')
  const name = await startedScheduler(it)
  assert.equal(it.backend.alive, 1)
  assert.equal(it.backend.calls.filter((call) => call.startsWith('start-scheduler')).length, 1)
  assert.deepEqual(it.store.clusters.get(name)?.attempt?.handle, {
    job: it.store.clusters.get(name)?.attempt?.id,
  })
})

test('a lost request is missed twice and then tried anew, with a new attempt and a new token', async () => {
  const it = await gateway()
  it.backend.schedulerFaults.push('lose-request')
  const created = await it.service.create(alice, {})
  await waitFor('a second try', () => it.store.clusters.get(created.name)?.status === 'submitted')
  assert.equal(it.backend.alive, 1)
  assert.ok(it.backend.calls.filter((call) => call.startsWith('find')).length >= 2)
  const [first, second] = it.backend.calls.filter((call) => call.startsWith('start-scheduler'))
  assert.notEqual(first, second)
})

test('a scheduler that ends at once fails the cluster, with the last lines of its log', async () => {
  const it = await gateway()
  it.backend.logTexts.set('scheduler', 'one\nModuleNotFoundError: dask_gateway\n')
  const name = await startedScheduler(it)
  it.backend.end(it.store.clusters.get(name)?.attempt?.id ?? '', 'exited with status 1')
  const view = await waitFor('FAILED', () => {
    const now = it.service.get(alice, name)
    return now.shown === 'FAILED' && now
  })
  assert.equal(view.cluster.reason, 'The scheduler ended before it was ready: exited with status 1')
  const last = (await it.service.events(alice, name, 0, 100)).at(-1)
  assert.deepEqual(last?.details.log_tail, ['one', 'ModuleNotFoundError: dask_gateway'])
  assert.equal(
    String(await it.service.logs(alice, name, null, 1000)),
    'one\nModuleNotFoundError: dask_gateway\n',
  )
})

test('no heartbeat in time fails a cluster; waiting in a queue does not count', async () => {
  const it = await gateway({ policy: { cluster_start_timeout: 0.15 } })
  const name = await startedScheduler(it)
  const attemptId = it.store.clusters.get(name)?.attempt?.id ?? ''
  it.backend.set(attemptId, { state: 'pending', reason: 'Priority' })
  await waitFor('the reason', () =>
    it.store.allEvents.find((event) => event.message === 'Priority'),
  )
  await waitFor(
    'twice the limit to pass',
    () => Date.now() > (it.store.clusters.get(name)?.startTime ?? 0) + 300,
  )
  assert.equal(it.service.get(alice, name).shown, 'PENDING')
  it.backend.set(attemptId, { state: 'running', since: null, nodeAddresses: [] })
  await waitFor('FAILED', () => it.service.get(alice, name).shown === 'FAILED')
  assert.match(it.store.clusters.get(name)?.reason ?? '', /no heartbeat within 0\.[12] s/)
})

test('missing heartbeats fail a running cluster', async () => {
  const it = await gateway({ policy: { cluster_heartbeat_timeout: 0.1 } })
  const name = await runningCluster(it)
  await waitFor('FAILED', () => it.service.get(alice, name).shown === 'FAILED')
  assert.match(it.store.clusters.get(name)?.reason ?? '', /No heartbeat/)
})

test('heartbeats of another attempt, of nobody, and of ended clusters', async () => {
  const it = await gateway()
  const name = await startedScheduler(it)
  const refused = { code: 'unauthenticated' }
  const heartbeat = {
    schedulerAddress: 'tls://127.0.0.1:1',
    dashboardAddress: '',
    apiAddress: 'http://127.0.0.1:2',
    count: 0,
    activeWorkers: [],
    closingWorkers: [],
    closedWorkers: [],
  }
  await assert.rejects(it.service.heartbeat(name, 'wrong', heartbeat, '127.0.0.1'), refused)
  await assert.rejects(it.service.heartbeat('nobody', 'x', heartbeat, '127.0.0.1'), refused)
  await it.service.stop(alice, name)
  await waitFor('STOPPED', () => it.service.get(alice, name).shown === 'STOPPED')
  await beat(it, name)
  assert.equal(it.service.get(alice, name).shown, 'STOPPED')
})

test('a false address is refused with a sentence that its owner can read', async () => {
  const it = await gateway()
  const name = await startedScheduler(it)
  await assert.rejects(beat(it, name, { api: 'http://169.254.169.254:80' }), { code: 'invalid' })
  await assert.rejects(beat(it, name, { api: 'http://10.1.2.3:80' }), { code: 'invalid' })
  await assert.rejects(beat(it, name, { api: 'http://127.0.0.1:1' }), { code: 'invalid' })
  const events = await it.service.events(alice, name, 0, 100)
  assert.equal(events.filter((event) => event.kind === 'address-refused').length, 3)
})

test('which scheduler addresses are believed', () => {
  const networks = new BlockList()
  networks.addSubnet('10.2.0.0', 16)
  const rules = { source: '10.1.0.7', nodeAddresses: ['10.3.0.1'], networks, ownPorts: [8000] }
  const check = (address: string, source = rules.source) =>
    checkSchedulerAddress('scheduler', address, 'tls', { ...rules, source })
  assert.equal(check('tls://10.1.0.7:9'), 'tls://10.1.0.7:9')
  assert.equal(check('tls://10.2.9.9:9'), 'tls://10.2.9.9:9')
  assert.equal(check('tls://10.3.0.1:9'), 'tls://10.3.0.1:9')
  assert.equal(check('tls://127.0.0.5:9', '::ffff:127.0.0.1'), 'tls://127.0.0.5:9')
  assert.equal(check('tls://[::1]:9', '127.0.0.1'), 'tls://[::1]:9')
  assert.equal(check('tls://[::ffff:7f00:5]:9', '127.0.0.1'), 'tls://127.0.0.5:9')
  assert.throws(
    () => check('tls://[0:0:0:0:0:ffff:7f00:2]:8000', '127.0.0.2'),
    /port of the gateway/,
    'in whatever form it is written',
  )
  for (const address of [
    'tls://[::ffff:a9fe:a9fe]:80',
    'tls://0.0.0.1:80',
    'tls://10.4.0.1:9',
    'tls://127.0.0.1:9',
    'tls://169.254.169.254:80',
    'tls://[fe80::1]:80',
    'tls://10.1.0.7:0',
    'tls://10.1.0.7:70000',
    'tls://10.1.0.7',
    'http://10.1.0.7:9',
    'tls://10.1.0.7:9/path',
    'tls://user@10.1.0.7:9',
    'tls://localhost:9',
    'tls://0x0a010007:9',
    '',
  ])
    assert.throws(() => check(address), { code: 'invalid' }, address)
  assert.throws(() => check('tls://127.0.0.1:8000', '127.0.0.1'), /port of the gateway/)
})

test('a scheduler that asks for a thousand million workers gets a thousand at a time', async () => {
  const it = await gateway()
  const name = await runningCluster(it, { count: 1_000_000_000 })
  await waitFor('the first thousand', () => workersIn(it, 'submitted').length === 1000)
  assert.equal(it.store.workers.size, 1000)
  assert.ok(it.backend.calls.includes('start-workers 100'), 'a stop waits for few of them')
  const active = [...it.store.workers.keys()].slice(0, 300)
  await beat(it, name, { count: 1_000_000_000, active })
  await waitFor('as many as have connected', () => it.store.workers.size === 1300)
  await it.service.stop(alice, name)
  await waitFor('STOPPED', () => it.service.get(alice, name).shown === 'STOPPED')
})

test('a scheduler that makes an event of each heartbeat fills no disk', async () => {
  const it = await gateway()
  const name = await runningCluster(it)
  for (let count = 0; count < 12_000; count++)
    await beat(it, name, { api: `http://10.9.9.9:${1 + (count % 2)}` }).catch(() => {})
  const kept = it.store.allEvents.filter((event) => event.clusterName === name)
  assert.ok(kept.length >= 10_000 && kept.length <= 11_000, String(kept.length))
  assert.equal(kept.at(-1)?.kind, 'address-refused')
})

test('a worker that dies is replaced; one that the scheduler retires is not', async () => {
  const it = await gateway()
  const name = await runningCluster(it, { count: 2 })
  const started = await waitFor('two workers', () => {
    const workers = workersIn(it, 'submitted')
    return workers.length === 2 && workers
  })
  const [first, second] = started
  assert.ok(first !== undefined && second !== undefined)
  await beat(it, name, { count: 2, active: [first.name, second.name] })
  it.backend.end(first.attempt?.id ?? '', 'killed by signal 9')
  await waitFor('a third', () => it.store.workers.size === 3)
  assert.equal(it.store.workers.get(first.name)?.status, 'failed')
  await beat(it, name, { count: 1, active: [first.name], closing: [second.name] })
  it.backend.end(second.attempt?.id ?? '', 'exited with status 0')
  await waitFor(
    'the second to be stopped',
    () => it.store.workers.get(second.name)?.status === 'stopped',
  )
  assert.equal(it.store.workers.size, 3)
  assert.equal(it.service.get(alice, name).shown, 'RUNNING')
})

test('too many wanted: what waits is stopped, what is connected is left to the scheduler', async () => {
  const it = await gateway()
  const name = await runningCluster(it, { count: 3 })
  const workers = await waitFor('three workers', () => {
    const started = workersIn(it, 'submitted')
    return started.length === 3 && started
  })
  const connected = workers.slice(0, 2).map((worker) => worker.name)
  await beat(it, name, { count: 1, active: connected })
  await waitFor('the pending one to end', () => workersIn(it, 'stopped').length === 1)
  assert.equal(workersIn(it, 'running').length, 2)
  assert.equal(it.backend.alive, 3)
})

test('three workers in a row that fail to start fail the cluster', async () => {
  const it = await gateway()
  it.backend.workerFaults.push('refuse', 'refuse', 'refuse')
  const name = await runningCluster(it, { count: 1 })
  await waitFor('FAILED', () => it.service.get(alice, name).shown === 'FAILED')
  assert.equal(
    it.store.clusters.get(name)?.reason,
    '3 workers in a row failed to start; the last: too large',
  )
  assert.equal(it.backend.alive, 0)
})

test('workers for which there is no room wait, one tries again, and then twice as many', async () => {
  const it = await gateway({ policy: { backoff_max_delay: 0.01 } })
  it.backend.workerFaults.push(...Array(9).fill('later'))
  const name = await runningCluster(it, { count: 8 })
  await waitFor('all to be started', () => workersIn(it, 'submitted').length === 8)
  const starts = it.backend.calls.filter((call) => call.startsWith('start-workers'))
  assert.deepEqual(
    starts.map((call) => Number(call.split(' ')[1])),
    [8, 1, 1, 2, 4, 1],
  )
  assert.equal(it.service.get(alice, name).cluster.workerStartFailures, 0)
  const waits = (await it.service.events(alice, name, 0, 100)).filter(
    ({ kind }) => kind === 'workers-pending',
  )
  assert.deepEqual(
    waits.map(({ message }) => message),
    ['Some workers wait until there is room. no room'],
  )
})

test('what can never run is given up at once, with the reason', async () => {
  const it = await gateway({ policy: { worker_start_failure_limit: 2 } })
  const never = { state: 'pending', reason: 'too large', never: true } as const
  const first = await startedScheduler(it)
  it.backend.set(it.store.clusters.get(first)?.attempt?.id ?? '', never)
  await waitFor('FAILED', () => it.service.get(alice, first).shown === 'FAILED')
  assert.equal(it.store.clusters.get(first)?.reason, 'The scheduler can never start: too large')

  const second = await runningCluster(it, { count: 2 })
  for (const { attempt } of await waitFor('two workers', () => {
    const workers = workersIn(it, 'submitted')
    return workers.length === 2 && workers
  }))
    it.backend.set(attempt?.id ?? '', never)
  await waitFor('FAILED', () => it.service.get(alice, second).shown === 'FAILED')
  assert.equal(
    it.store.clusters.get(second)?.reason,
    '2 workers in a row failed to start; the last: The worker can never start: too large',
  )
})

test('a worker that the system ended before it connected does not count as a failure', async () => {
  const it = await gateway({ policy: { worker_start_failure_limit: 1 } })
  const name = await runningCluster(it, { count: 1 })
  const [worker] = await waitFor('a worker', () => {
    const workers = workersIn(it, 'submitted')
    return workers.length === 1 && workers
  })
  it.backend.logTexts.set(worker?.name ?? '', 'one\ntwo\n')
  const end = { state: 'gone', reason: 'preempted', exitCode: null, interrupted: true } as const
  it.backend.set(worker?.attempt?.id ?? '', end)
  await waitFor('its replacement', () => workersIn(it, 'failed', 'submitted').length === 2)
  assert.equal(it.service.get(alice, name).shown, 'RUNNING')
  const events = await it.service.events(alice, name, 0, 100)
  const failed = events.find(({ kind }) => kind === 'worker-failed')
  assert.deepEqual([failed?.message, failed?.details], ['preempted', { log_tail: ['one', 'two'] }])
})

test('the owner is told, once, what a system that was asked says while it fails', async () => {
  const it = await gateway({ policy: { backoff_max_delay: 0.01 } })
  const name = await runningCluster(it)
  it.backend.stopFault = new GatewayError('upstream', 'the controller is down')
  await it.service.stop(alice, name)
  await waitFor(
    'some tries',
    () => it.backend.calls.filter((call) => /^stop/.test(call)).length > 3,
  )
  it.backend.stopFault = null
  await waitFor('STOPPED', () => it.service.get(alice, name).shown === 'STOPPED')
  const events = await it.service.events(alice, name, 0, 100)
  assert.deepEqual(
    events.flatMap(({ kind, message }) => (kind === 'delayed' ? message : [])),
    ['Delayed, and tried again: the controller is down'],
  )
})

test('a worker that never connects is stopped and replaced, and does not count as a failure', async () => {
  const it = await gateway({ policy: { worker_start_timeout: 0.05 } })
  const name = await runningCluster(it, { count: 1 })
  await waitFor('several replacements', () => workersIn(it, 'failed').length >= 4)
  assert.equal(it.service.get(alice, name).shown, 'RUNNING')
  assert.ok(it.backend.alive <= 2)
})

test('the limit of workers holds in heartbeats and in scale', async () => {
  const received: string[] = []
  const server = createServer((request, response) => {
    request.on('data', (chunk) => received.push(`${request.headers.authorization} ${chunk}`))
    request.on('end', () => response.end())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const it = await gateway({ settings: { cluster_max_workers: 1 } })
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const name = await runningCluster(it, { count: 5, api })
    await waitFor('a worker', () => workersIn(it, 'submitted').length === 1)
    assert.equal(it.store.workers.size, 1)
    const { message } = await it.service.scale(alice, name, 3)
    assert.equal(
      message,
      'Scale request of 3 workers would exceed resource limit of 1 workers. Scaling to 1 instead.',
    )
    const bounds = { minimum: null, maximum: 2 }
    const adapted = await it.service.adapt(alice, name, { ...bounds, active: true })
    assert.match(
      adapted.message ?? '',
      /`maximum=2, minimum=0` .* Using `maximum=1, minimum=0` instead/,
    )
    const token = `token ${it.store.clusters.get(name)?.token}`
    assert.deepEqual(received, [
      `${token} {"op":"scale","count":1}`,
      `${token} {"op":"adapt","minimum":0,"maximum":1,"active":true}`,
    ])
    assert.deepEqual(it.store.clusters.get(name)?.adaptive, { minimum: 0, maximum: 1 })
    await it.service.scale(alice, name, 1)
    assert.equal(it.store.clusters.get(name)?.adaptive, null)
    const told = (await it.service.events(alice, name, 0, 100)).filter(
      ({ kind }) => kind === 'adaptive',
    )
    assert.deepEqual(
      told.map(({ message }) => message),
      ['It adapts to its load: 0 to 1 workers', 'It adapts to its load no longer'],
    )
    server.close()
    server.closeAllConnections()
    await assert.rejects(it.service.adapt(alice, name, { ...bounds, active: true }), {
      code: 'conflict',
    })
    assert.equal(it.store.clusters.get(name)?.adaptive, null)
  } finally {
    server.close()
  }
})

test('after a restart running clusters go on, routes are back, and unfinished stops are finished', async () => {
  const store = new MemoryStore()
  const backend = new FakeBackend()
  const first = await gateway({ store, backend })
  const going = await runningCluster(first, { count: 2 })
  await waitFor('two workers', () => workersIn(first, 'submitted').length === 2)
  const ending = await runningCluster(first)
  backend.obedient = false
  await first.service.stop(alice, ending)
  await waitFor('the stop to be asked', () => backend.calls.includes('stop 1'))
  await first.clusters.stop()
  backend.obedient = true
  const second = await gateway({ store, backend })
  assert.equal(second.service.get(alice, going).shown, 'RUNNING')
  assert.deepEqual([...second.routes.keys()], [going])
  await waitFor(
    'the stop to be finished',
    () => second.service.get(alice, ending).shown === 'STOPPED',
  )
  await beat(second, going, {
    count: 2,
    active: workersIn(second, 'submitted').map((worker) => worker.name),
  })
  assert.equal(backend.alive, 3)
  assert.equal(store.workers.size, 2)
})

test('a record that cannot be written changes nothing, and works later', async () => {
  const it = await gateway()
  const name = await runningCluster(it)
  it.store.failing = true
  await assert.rejects(it.service.stop(alice, name), /disk full/)
  await assert.rejects(it.service.create(alice, {}), /disk full/)
  assert.equal(it.service.get(alice, name).shown, 'RUNNING')
  it.store.failing = false
  await it.service.stop(alice, name)
  await waitFor('STOPPED', () => it.service.get(alice, name).shown === 'STOPPED')
})

test('waiting answers when the cluster leaves PENDING, or at the limit', async () => {
  const it = await gateway()
  const name = await startedScheduler(it)
  const { signal } = new AbortController()
  assert.equal((await it.service.waitWhilePending(alice, name, 20, signal)).shown, 'PENDING')
  const waiting = it.service.waitWhilePending(alice, name, 10_000, signal)
  await beat(it, name)
  assert.equal((await waiting).shown, 'RUNNING')
})

test('who waits is told how a cluster ended, not that it is ending', async () => {
  const it = await gateway()
  const name = await startedScheduler(it)
  const { signal } = new AbortController()
  const waiting = it.service.waitWhilePending(alice, name, 10_000, signal)
  await it.service.stop(alice, name)
  assert.equal(it.service.get(alice, name).shown, 'STOPPING')
  assert.equal((await waiting).shown, 'STOPPED')
})

test('a shutdown stops everything and says so', async () => {
  const it = await gateway()
  const name = await runningCluster(it, { count: 2 })
  assert.equal(await it.clusters.stopAll(5000), 0)
  assert.equal(it.backend.alive, 0)
  assert.equal(it.store.clusters.get(name)?.reason, 'The gateway was shut down')
})

test('a cluster whose lifetime is over is warned and stopped, whatever the calendar jumps to', async (t) => {
  const settings = { cluster_max_lifetime: 0.6, end_warning: 0.3 }
  const it = await gateway({ settings })
  const name = await runningCluster(it)
  const shown = it.service.details(alice, name)
  assert.match(shown.end?.reason ?? '', /^Its lifetime of 0.6 s is over/)
  const real = Date.now
  t.after(() => {
    Date.now = real
  })
  Date.now = () => real() + 1_000_000_000
  await beat(it, name, { count: 1 })
  assert.equal(it.service.get(alice, name).shown, 'RUNNING')
  Date.now = real
  await waitFor('STOPPED', () => it.service.get(alice, name).shown === 'STOPPED')
  const events = await it.service.events(alice, name, 0, 100)
  const [warning, stop] = ['cluster-ending', 'stop-requested'].map((kind) =>
    events.filter((event) => event.kind === kind),
  )
  assert.equal(warning?.length, 1)
  assert.match(warning?.[0]?.message ?? '', /^The cluster ends in 0 s: Its lifetime of 0.6 s is/)
  assert.ok((stop?.[0]?.time ?? 0) - (warning?.[0]?.time ?? 0) >= 250)
  assert.equal(
    it.service.get(alice, name).cluster.reason,
    'Its lifetime of 0.6 s is over (cluster_max_lifetime)',
  )
})

test('a lifetime counts over a restart, and one that ended meanwhile is warned of first', async () => {
  const store = new MemoryStore()
  const backend = new FakeBackend()
  const settings = { cluster_max_lifetime: 3600, end_warning: 0.2 }
  const first = await gateway({ store, backend, settings })
  const name = await runningCluster(first)
  await first.clusters.stop()
  const cluster = store.clusters.get(name) ?? assert.fail('no cluster')
  store.clusters.set(name, { ...cluster, readyTime: Date.now() - 7_200_000 })
  const second = await gateway({ store, backend, settings })
  await waitFor('STOPPED', () => second.service.get(alice, name).shown === 'STOPPED')
  const kinds = (await second.service.events(alice, name, 0, 100)).map(({ kind }) => kind)
  assert.ok(kinds.indexOf('cluster-ending') < kinds.indexOf('stop-requested'))
  assert.ok(kinds.includes('cluster-ending'))
})

test('a lifetime that began by a clock that was wrong counts from the restart', async () => {
  const store = new MemoryStore()
  const backend = new FakeBackend()
  const settings = { cluster_max_lifetime: 3600, end_warning: 0 }
  const first = await gateway({ store, backend, settings })
  const name = await runningCluster(first)
  await first.clusters.stop()
  const cluster = store.clusters.get(name) ?? assert.fail('no cluster')
  store.clusters.set(name, { ...cluster, readyTime: 1000 })
  const { service } = await gateway({ store, backend, settings })
  const inMs = service.details(alice, name).end?.inMs ?? 0
  assert.ok(inMs > 3_500_000 && inMs <= 3_600_000, String(inMs))
})

test('without a client a cluster is stopped; what is not known, a client and its owner keep it', async () => {
  const settings = { client_timeout: 0.4, end_warning: 0.1 }
  const it = await gateway({ settings })
  const name = await runningCluster(it)
  const count = () => it.service.details(alice, name).clients
  assert.equal(count(), null)
  it.presence.clients = { state: 'connected', count: 2 }
  assert.equal(count(), 2)
  const since = performance.now()
  it.presence.clients = { state: 'none', since }
  it.service.get(alice, name)
  assert.equal(count(), 0)
  await waitFor('STOPPED', () => it.service.details(alice, name).shown === 'STOPPED')
  assert.ok(performance.now() - since >= 400)
  assert.equal(
    it.service.get(alice, name).cluster.reason,
    'No client was connected for 0.4 s (client_timeout)',
  )
  const kinds = (await it.service.events(alice, name, 0, 100)).map(({ kind }) => kind)
  assert.ok(kinds.includes('cluster-ending'))
})

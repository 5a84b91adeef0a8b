import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FakeBackend } from '../../test/fakes/fake-backend.ts'
import { MemoryStore } from '../../test/fakes/memory-store.ts'
import { waitFor } from '../../test/fakes/wait-for.ts'
import {
  type Change,
  type ClusterSettings,
  clusterConfigSettings,
  dbBackendSettings,
  type Logger,
  type QuotaPolicy,
  quotasSettings,
  readQuotaLimits,
  resolveSettings,
  type User,
} from '../core/index.ts'
import { type Clusters, createClusters } from './clusters.ts'

const user = (name: string, ...groups: string[]): User => ({ name, groups, admin: false })
const alice = user('alice')
const boss: User = { name: 'boss', groups: [], admin: true }
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const none: QuotaPolicy = resolveSettings(quotasSettings, new Map())
const defaults = resolveSettings(clusterConfigSettings, new Map()) as unknown as ClusterSettings

/** Writes later, so that many are under way at once. */
class SlowStore extends MemoryStore {
  override async commit(changes: readonly Change[]) {
    await turn()
    await turn()
    await super.commit(changes)
  }
}

const opened: Clusters[] = []
afterEach(async () => {
  for (const clusters of opened.splice(0)) await clusters.stop()
})

async function gateway(quotas: Partial<QuotaPolicy>, store: MemoryStore = new SlowStore()) {
  const backend = new FakeBackend()
  let policy = { ...none, ...quotas }
  const clusters = createClusters({
    store,
    drain: store,
    quotaStore: store,
    quotaPolicy: () => policy,
    logArchive: store,
    backend,
    routes: {
      put: () => 1,
      remove: () => 1,
      whenAcknowledged: async () => [],
      clientsOf: () => ({ state: 'unknown' }),
    },
    options: {
      fieldsFor: async () => [
        { field: 'cores', label: '', default: 1, spec: { type: 'int', min: 1, max: 100 } },
      ],
      settingsFor: async (_user, { cores = 1 }) => ({ scheduler_cores: cores }),
    },
    resolveSettings: (overrides) => ({
      settings: { ...defaults, worker_cores: 2, ...overrides } as ClusterSettings,
      warnings: [],
    }),
    policy: {
      ...resolveSettings(dbBackendSettings, new Map()),
      ...{ settle_time: 0.02, backoff_base_delay: 0.005, backoff_max_delay: 0.05 },
    },
    ownPorts: () => [1],
    logger: silent,
  })
  backend.onChange = () => clusters.wake()
  opened.push(clusters)
  await clusters.load()
  await clusters.start(AbortSignal.timeout(5000))
  const { service } = clusters
  const reload = (now: Partial<QuotaPolicy>) => {
    policy = { ...none, ...now }
    clusters.reload()
  }
  return { clusters, service, store, backend, reload }
}

type Gateway = Awaited<ReturnType<typeof gateway>>

async function started({ store }: Gateway, name: string) {
  await waitFor('the scheduler to be started', () => {
    const status = store.clusters.get(name)?.status
    return status === 'submitted' || status === 'running'
  })
  return name
}

async function beat({ service, store }: Gateway, name: string, count: number, apiPort = 4002) {
  const heartbeat = {
    schedulerAddress: 'tls://127.0.0.1:4000',
    dashboardAddress: '',
    apiAddress: `http://127.0.0.1:${apiPort}`,
    count,
    ...{ activeWorkers: [], closingWorkers: [], closedWorkers: [] },
  }
  await service.heartbeat(name, store.clusters.get(name)?.token ?? '', heartbeat, '127.0.0.1')
}

const live = ({ store }: Gateway, clusterName?: string) =>
  [...store.workers.values()].filter(
    (worker) =>
      !['stopped', 'failed'].includes(worker.status) &&
      (clusterName === undefined || worker.clusterName === clusterName),
  )
const pendingReason = ({ service }: Gateway, of: User, name: string) =>
  service.details(of, name).pendingReason
const used = ({ service }: Gateway, of: User) => {
  const { resources } = service.ownQuotas(of).quotas[0] ?? assert.fail('no quota')
  return [resources.clusters.used, resources.workers.used, resources.cores.used]
}
const kinds = async ({ service }: Gateway, name: string) =>
  (await service.events(alice, name, 0, 100)).map(({ kind }) => kind)

const limitsTable: readonly [unknown, ReturnType<typeof readQuotaLimits>][] = [
  [{}, {}],
  [
    { clusters: 0, cores: 1.5, memory: '2 G' },
    { clusters: 0, cores: 1.5, memory: 2 ** 31 },
  ],
  [
    { workers: null, memory: null },
    { workers: null, memory: null },
  ],
  [null, 'must be a dict of clusters, workers, cores, memory'],
  [[1], 'must be a dict of clusters, workers, cores, memory'],
  [{ core: 1 }, '"core" is none of clusters, workers, cores, memory; did you mean "cores"?'],
  [
    { clusters: 1.5 },
    'clusters must be a whole number of at least 0, or null (None): without limit',
  ],
  [{ workers: -1 }, 'workers must be a whole number of at least 0, or null (None): without limit'],
  [{ cores: '4' }, 'cores must be a number of at least 0, or null (None): without limit'],
  [{ memory: 'much' }, 'memory must be bytes, or a number with K, M, G or T, such as "4 G"'],
]
for (const [given, read] of limitsTable)
  test(`limits ${JSON.stringify(given)}`, () => {
    assert.deepEqual(readQuotaLimits(given), read)
  })

test('of 100 parallel creates exactly those are admitted that fit, with workers asked for meanwhile', async () => {
  const it = await gateway({ user: { cores: 37 } })
  const first = await started(it, (await it.service.create(alice, {})).name)
  const asks = Array.from({ length: 100 }, () =>
    it.service.create(alice, {}).then(
      () => null,
      (error: Error) => error,
    ),
  )
  const beats = Array.from({ length: 10 }, (_, index) => beat(it, first, 1 + index))
  const most = { cores: 0 }
  const watching = setInterval(() => {
    const [, , cores = 0] = used(it, alice)
    most.cores = Math.max(most.cores, cores)
  }, 1)
  const refusals = (await Promise.all(asks)).filter((error) => error !== null)
  await Promise.all(beats)
  await waitFor('all that fits', () => {
    const [, , cores = 0] = used(it, alice)
    return cores === 37
  })
  clearInterval(watching)
  const clusters = it.store.clusters.size
  const cores = clusters + 2 * live(it).length
  assert.equal(cores, 37)
  assert.equal(clusters + refusals.length, 101)
  assert.ok(most.cores <= 37)
  assert.deepEqual(used(it, alice), [clusters, live(it).length, cores])
  for (const error of refusals)
    assert.match(
      error.message,
      /^The quota of user alice is 37 cores and 37 are in use; 1 more was asked for\. Stop a cluster/,
    )
  const [quota] = it.service.ownQuotas(alice).quotas
  assert.deepEqual(quota?.resources.cores, { limit: 37, used: cores, source: 'Quotas.user' })
  assert.deepEqual(quota?.resources.memory.limit, null)
})

test('of workers that ten clusters ask for at once exactly those begin that fit', async () => {
  const it = await gateway({ group: { workers: 13 } })
  const names = await Promise.all(
    Array.from({ length: 10 }, async (_, at) => {
      const { name } = await it.service.create(user(`user${at}`, 'lab'), {})
      return started(it, name)
    }),
  )
  await Promise.all(names.map((name) => beat(it, name, 4)))
  await waitFor('all that fit', () => live(it).length >= 13)
  await Promise.all(names.map((name) => beat(it, name, 5)))
  const events = await Promise.all(
    names.map((name, at) =>
      waitFor('its workers, or that it is told', async () => {
        const found = await it.service.events(user(`user${at}`), name, 0, 100)
        return found.some(({ kind }) => kind === 'workers-limited') && found
      }),
    ),
  )
  assert.equal(events.length, 10)
  assert.equal(live(it).length, 13)
})

test('what could not be written holds nothing', async () => {
  const it = await gateway({ user: { clusters: 2 } })
  it.store.failing = true
  await assert.rejects(it.service.create(alice, {}), /disk full/)
  it.store.failing = false
  assert.deepEqual(used(it, alice), [0, 0, 0])
  const name = await started(it, (await it.service.create(alice, {})).name)
  it.store.failing = true
  await assert.rejects(beat(it, name, 3))
  it.store.failing = false
  assert.deepEqual(used(it, alice), [1, 0, 1])
  await it.service.create(alice, {})
  await assert.rejects(it.service.create(alice, {}), {
    code: 'conflict',
    message:
      'The quota of user alice is 2 clusters and 2 are in use; 1 more was asked for. Stop a cluster that is not needed, or ask an administrator for more.',
  })
})

test('a cluster counts for its owner and for each group that its owner was in when it began', async () => {
  const it = await gateway({ groups: { 'a, b': { clusters: 2 }, other: { memory: 2 ** 40 } } })
  const ann = user('ann', 'a, b', 'plain')
  await it.service.create(ann, {})
  await it.service.create(user('ben', 'a, b', 'a, b'), {})
  await assert.rejects(it.service.create(user('cleo', 'a, b'), {}), {
    message: /^The quota of group "a, b" is 2 clusters and 2 are in use; 1 more was asked for/,
  })
  await it.service.create(user('cleo', 'A, B'), {}) // another name
  const { quotas } = it.service.ownQuotas(ann)
  assert.deepEqual(
    quotas.map(({ scope, name, resources }) => [scope, name, resources.clusters.used]),
    [
      ['user', 'ann', 1],
      ['group', 'a, b', 2],
    ],
  )
  const all = it.service.allQuotas().quotas.map(({ scope, name }) => `${scope} ${name}`)
  const groups = ['group A, B', 'group a, b', 'group other', 'group plain']
  assert.deepEqual(all, ['user ann', 'user ben', 'user cleo', ...groups])
})

test('it holds until the backend has confirmed its end', async () => {
  const it = await gateway({ user: { clusters: 1 } })
  const name = await started(it, (await it.service.create(alice, {})).name)
  it.backend.obedient = false
  await it.service.stop(alice, name)
  await waitFor('the stop', () => it.backend.calls.some((call) => call.startsWith('stop')))
  await assert.rejects(it.service.create(alice, {}), { code: 'conflict' })
  for (const attempt of it.backend.running.keys()) it.backend.end(attempt, 'killed')
  await waitFor('the end', () => it.store.clusters.get(name)?.status === 'stopped')
  await it.service.create(alice, {})
})

test('scale is cut to what is left, with a warning; what a scheduler asks beyond it waits for room', async () => {
  const it = await gateway({ users: { alice: { workers: 5 } } })
  const told: unknown[] = []
  const scheduler = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      told.push(JSON.parse(text))
      response.end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(scheduler, 'listening')
  const { port } = scheduler.address() as AddressInfo
  try {
    const [one, two] = [
      (await it.service.create(alice, {})).name,
      (await it.service.create(alice, {})).name,
    ]
    for (const name of [one, two]) {
      await started(it, name)
      await beat(it, name, 0, port)
      await waitFor('RUNNING', () => it.service.get(alice, name).shown === 'RUNNING')
    }
    assert.deepEqual(await it.service.scale(alice, one, 30), {
      message:
        'Scale request of 30 workers would exceed the quota of user alice (5 workers, 0 in use). Scaling to 5 instead.',
    })
    await beat(it, one, 3, port)
    await waitFor('three workers', () => live(it, one).length === 3)
    assert.match((await it.service.scale(alice, one, 6)).message ?? '', /3 in use\). Scaling to 5/)
    assert.match((await it.service.scale(alice, two, 6)).message ?? '', /3 in use\). Scaling to 2/)
    assert.deepEqual(await it.service.scale(alice, two, 2), { message: null })
    assert.deepEqual(await it.service.adapt(alice, two, { minimum: 1, maximum: 9, active: true }), {
      message:
        'Adapt with `maximum=9, minimum=1` workers would exceed the quota of user alice (5 workers, 0 in use). Using `maximum=5, minimum=1` instead.',
    })
    assert.deepEqual(told.at(-1), { op: 'adapt', minimum: 1, maximum: 5, active: true })
    await beat(it, two, 4, port)
    await beat(it, two, 4, port)
    await waitFor('the event', async () => (await kinds(it, two)).includes('workers-limited'))
    assert.equal(live(it, two).length, 2)
    await beat(it, one, 1, port)
    await waitFor('the others', () => live(it, two).length === 4)
    assert.equal(live(it).length, 5)
    assert.equal((await kinds(it, two)).filter((kind) => kind === 'workers-limited').length, 1)
  } finally {
    scheduler.close()
  }
})

test('a quota below what runs stops nothing, refuses what is new, and says so', async () => {
  const it = await gateway({ user: { cores: 10 } })
  const name = await started(it, (await it.service.create(alice, {})).name)
  await beat(it, name, 4)
  await waitFor('four workers', () => live(it).length === 4)
  const report = await it.service.setQuota(boss, { scope: 'user', name: 'alice' }, { cores: 4 })
  assert.equal(
    report.notice,
    'The quota of user alice is 4 cores and 9 are in use. Nothing is stopped for it, and nothing new starts until it is less.',
  )
  assert.deepEqual(report.resources.cores, { limit: 4, used: 9, source: 'administrator' })
  await assert.rejects(it.service.create(alice, {}), {
    message: /^The quota of user alice is 4 cores and 9 are in use; 1 more was asked for/,
  })
  await beat(it, name, 6)
  await waitFor('the event', async () => (await kinds(it, name)).includes('workers-limited'))
  assert.equal(live(it).length, 4)
  await it.service.unsetQuota({ scope: 'user', name: 'alice' })
  await assert.rejects(it.service.unsetQuota({ scope: 'user', name: 'alice' }), {
    code: 'not-found',
  })
  it.reload({ user: { cores: 13 } })
  await waitFor('six workers', () => live(it).length === 6)
})

const over = 'queue'

test('where they queue, clusters start in their order when room comes, also after a restart', async () => {
  const store = new SlowStore()
  let it = await gateway({ over, user: { clusters: 1 } }, store)
  const names: string[] = []
  for (let index = 0; index < 4; index++) names.push((await it.service.create(alice, {})).name)
  const [first = '', second = '', third = '', fourth = ''] = names
  await started(it, first)
  assert.equal(it.service.get(alice, second).shown, 'PENDING')
  assert.equal(
    pendingReason(it, alice, second),
    'Waits for quota: that of user alice is 1 cluster and 1 is in use',
  )
  await it.clusters.stop()
  opened.pop()
  const { running } = it.backend
  it = await gateway({ over, user: { clusters: 1 } }, store)
  for (const [attempt, seen] of running) it.backend.running.set(attempt, seen)
  await it.service.stop(alice, third)
  await waitFor('its end', () => store.clusters.get(third)?.status === 'stopped')
  assert.equal(store.clusters.get(second)?.status, 'created')
  await it.service.stop(alice, first)
  await started(it, second)
  assert.equal(store.clusters.get(fourth)?.queued, 3)
  assert.ok((await kinds(it, second)).includes('quota-admitted'))
  await it.service.setDrain({ since: 1, by: 'boss', message: '' })
  await it.service.stop(alice, second)
  await waitFor('the end', () => store.clusters.get(second)?.status === 'stopped')
  assert.match(pendingReason(it, alice, fourth) ?? '', /no new clusters are started/)
  await it.service.setDrain(null)
  await started(it, fourth)
})

test('the small pass no large one that waits for the same, but others do; what never fits is refused', async () => {
  const it = await gateway({ over, user: { cores: 8 }, groups: { lab: { cores: 12 } } })
  const ann = user('ann', 'lab')
  const ben = user('ben', 'lab')
  const create = async (of: User, cores: number) => (await it.service.create(of, { cores })).name
  const held = await started(it, await create(ann, 6))
  const large = await create(ann, 5)
  const small = await create(ann, 1)
  const others = await started(it, await create(ben, 3))
  await waitFor('its reason', () => pendingReason(it, ann, small)?.includes('longer come first'))
  await assert.rejects(it.service.create(ben, { cores: 9 }), {
    message:
      'The quota of user ben is 8 cores, and a cluster without workers needs 9 cores: it could never start. Choose a smaller scheduler, or ask an administrator for more.',
  })
  await it.service.stop(ann, held)
  await started(it, large)
  await started(it, small)
  assert.equal(it.store.clusters.get(others)?.queued, null)
})

test('100 parallel creates that queue all start in the end, each once, and never more than fit', async () => {
  const it = await gateway({ over, user: { clusters: 7 } })
  const made = await Promise.all(Array.from({ length: 100 }, () => it.service.create(alice, {})))
  const waiting = made.filter(({ queued }) => queued !== null)
  assert.equal(waiting.length, 93)
  assert.equal(new Set(waiting.map(({ queued }) => queued)).size, 93)
  let most = 0
  await waitFor('all of them to have run', async () => {
    const running = [...it.store.clusters.values()].filter(({ status }) => status === 'submitted')
    most = Math.max(most, it.backend.alive)
    await Promise.all(running.map(({ name }) => it.service.stop(alice, name)))
    return [...it.store.clusters.values()].every(({ status }) => status === 'stopped')
  })
  assert.ok(most <= 7)
  assert.equal(it.backend.calls.filter((call) => call.startsWith('start-scheduler')).length, 100)
})

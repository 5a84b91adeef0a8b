import type {
  ClusterDetails,
  ClusterService,
  ClusterView,
  Heartbeat,
  QuotaReport,
  ShownStatus,
} from '../../src/clusters/index.ts'
import {
  type Cluster,
  type Drain,
  GatewayError,
  type QuotaHolder,
  type QuotaOverride,
  type QuotaResource,
  sumUsage,
  type User,
  type Worker,
} from '../../src/core/index.ts'

/** Clusters in memory, with the texts of wire-protocol.md: what `api/` is tested against. */
export function createFakeClusterService() {
  const views = new Map<string, ClusterView>()
  const heartbeats: { readonly heartbeat: Heartbeat; readonly source: string }[] = []
  const waiting = new Set<() => void>()
  const quotas = new Map<string, QuotaOverride>()
  let drain: Drain | null = null

  function get(user: User, name: string): ClusterView {
    const view = views.get(name)
    if (view === undefined) throw new GatewayError('not-found', `Cluster ${name} not found`)
    if (view.cluster.username !== user.name) {
      throw new GatewayError(
        'forbidden',
        `User ${user.name} lacks permissions to view cluster ${name}`,
      )
    }
    return view
  }

  function running(user: User, name: string): void {
    if (get(user, name).shown !== 'RUNNING') {
      throw new GatewayError('conflict', `cluster ${name} is not running`)
    }
  }

  function show(name: string, shown: ShownStatus): void {
    const view = views.get(name)
    if (view === undefined) throw new Error(`no cluster ${name}`)
    views.set(name, { cluster: { ...view.cluster }, shown })
    for (const wake of waiting) wake()
  }

  const service: ClusterService = {
    async create(user, options) {
      if (typeof options !== 'object' || options === null || Array.isArray(options)) {
        throw new GatewayError(
          'invalid',
          `options must be a dict, got '${Array.isArray(options) ? 'list' : 'str'}'`,
        )
      }
      if ('fail' in options) throw new GatewayError('internal', 'the hub does not say')
      if ('crash' in options) throw new Error('a secret of the inside')
      const cluster = fakeCluster(views.size + 1, user.name)
      views.set(cluster.name, { cluster, shown: 'PENDING' })
      return cluster
    },
    list(user, statuses = ['PENDING', 'RUNNING']) {
      return [...views.values()].filter(
        (view) => view.cluster.username === user.name && statuses.includes(view.shown),
      )
    },
    get,
    async waitWhilePending(user, name, _limitMs, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<ClusterView>()
      const look = () => {
        const view = get(user, name)
        if (view.shown !== 'PENDING') resolve(view)
      }
      waiting.add(look)
      signal.addEventListener('abort', () => reject(signal.reason))
      try {
        return await promise
      } finally {
        waiting.delete(look)
      }
    },
    async stop(user, name) {
      if (!views.has(name)) return
      get(user, name)
      show(name, 'STOPPED')
    },
    async stopByToken(name, token) {
      if (views.get(name)?.cluster.token !== token) return false
      show(name, 'STOPPED')
      return true
    },
    async scale(user, name, count) {
      running(user, name)
      return { message: count > 4 ? `Scaling to 4 instead.` : null }
    },
    async adapt(user, name) {
      running(user, name)
      return { message: null }
    },
    async heartbeat(name, token, heartbeat, source) {
      if (!service.knowsToken(name, token)) throw new GatewayError('unauthenticated', 'no')
      heartbeats.push({ heartbeat, source })
    },
    knowsToken: (name, token) => views.get(name)?.cluster.token === token,
    knowsCaller: (name, token) => `master-${views.get(name)?.cluster.token}` === token,
    async callHome(name, token, message, signal) {
      if (!service.knowsCaller(name, token)) throw new GatewayError('unauthenticated', 'no')
      if (message === null) throw new GatewayError('invalid', 'null is no message')
      if (message === 'wait') await new Promise((done) => signal.addEventListener('abort', done))
      return { said: JSON.stringify(message) }
    },
    async events(user, name, afterId, limit) {
      const { cluster } = get(user, name)
      return [1, 2, 3]
        .map((id) => ({
          id,
          clusterName: cluster.name,
          time: 1000 + id,
          kind: 'cluster-created',
          message: `Event ${id}.`,
          worker: null,
          details: {},
        }))
        .filter((event) => event.id > afterId)
        .slice(0, limit)
    },
    workers(user, name): readonly Worker[] {
      get(user, name)
      return [
        {
          name: 'b'.repeat(32),
          clusterName: name,
          status: 'running',
          target: 'running',
          attempt: null,
          endExpected: false,
          startTime: 1000,
          stopTime: null,
          reason: null,
        },
      ]
    },
    async logs(user, name, workerName) {
      get(user, name)
      return workerName === null ? Buffer.from('first\n<script>\nlast\n') : null
    },
    details: (user, name) => detailsOf(get(user, name)),
    search: () => ({
      clusters: [...views.values()].map(detailsOf),
      total: views.size,
      next: { startTime: 1, name: 'a' },
    }),
    changes: () => ({
      position: { epoch: '0'.repeat(16), version: 1 },
      isSnapshot: true,
      clusters: [...views.values()].map(detailsOf),
      removed: [],
    }),
    whenChanged: (_user, _since, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    nextEvents: async (user, name, afterId, limit) => ({
      events: await service.events(user, name, afterId, limit),
      isOver: true,
    }),
    async logPiece(user, name, workerName, from) {
      get(user, name)
      if (workerName !== null)
        throw new GatewayError('not-found', `Cluster ${name} has no worker ${workerName}`)
      const log = Buffer.from('first\n<script>\nlast\n')
      const start = from ?? 0
      return { from: start, bytes: log.subarray(start), isOver: true }
    },
    async usage(query) {
      const usage = {
        ...{
          username: query.username ?? 'alice',
          groups: ['a, b', '=c'],
          labels: { project: 'x' },
        },
        ...{ day: query.to, clusterMs: 1500, workerMs: 3000, coreMs: 4500, memoryByteMs: 2 ** 41 },
      }
      return sumUsage([usage], query)
    },
    ownerOf(name) {
      const view = views.get(name)
      if (view === undefined) throw new GatewayError('not-found', `Cluster ${name} not found`)
      return { name: view.cluster.username, groups: [], admin: false }
    },
    async stopAs(_admin, name) {
      show(name, 'STOPPED')
    },
    backlog: () => ({ waiting: 1, active: 0, oldestSeconds: 0.5, retrying: 0 }),
    drain: () => drain,
    async setDrain(wanted) {
      drain = wanted
    },
    backendProblem: () => null,
    ownQuotas: (user) => ({
      over: 'refuse',
      quotas: [reportOf({ scope: 'user', name: user.name }, quotas)],
    }),
    allQuotas: () => ({
      over: 'refuse',
      quotas: [...quotas.values()].map((override) => reportOf(override, quotas)),
    }),
    async setQuota(admin, holder, limits) {
      const override = { ...holder, limits, setBy: admin.name, setAt: 1000 }
      quotas.set(`${holder.scope}:${holder.name}`, override)
      return reportOf(holder, quotas)
    },
    async unsetQuota({ scope, name }) {
      if (!quotas.delete(`${scope}:${name}`)) throw new GatewayError('not-found', 'No quota is set')
    },
    counts() {
      const none = { created: 0, submitted: 0, running: 0, closing: 0, stopped: 0, failed: 0 }
      return { clusters: { ...none, running: views.size }, workers: none }
    },
  }
  return { service, show, heartbeats, waiting }
}

function reportOf(
  { scope, name }: QuotaHolder,
  overrides: ReadonlyMap<string, QuotaOverride>,
): QuotaReport {
  const override = overrides.get(`${scope}:${name}`) ?? null
  const of = (resource: QuotaResource) => ({
    limit: override?.limits[resource] ?? null,
    used: 1,
    source: override === null ? null : 'administrator',
  })
  const resources = {
    clusters: of('clusters'),
    workers: of('workers'),
    cores: of('cores'),
    memory: of('memory'),
  }
  return { scope, name, resources, override, notice: null }
}

function detailsOf(view: ClusterView): ClusterDetails {
  const workers = { created: 0, submitted: 1, running: 2, closing: 0, stopped: 0, failed: 0 }
  const pendingReason = view.shown === 'PENDING' ? 'The queue is full' : null
  const end = { inMs: 60_000, reason: 'Its lifetime of 1 h is over (cluster_max_lifetime)' }
  return { ...view, pendingReason, clients: 1, end, workers, cores: 3, memoryBytes: 3 * 2 ** 31 }
}

function fakeCluster(number: number, username: string): Cluster {
  const name = number.toString(16).padStart(32, '0')
  return {
    name,
    username,
    groups: [],
    options: { cores: 1 },
    settings: {
      scheduler_cmd: ['dask', 'scheduler'],
      worker_cmd: ['dask', 'worker'],
      environment: {},
      labels: {},
      worker_memory: 2 ** 31,
      worker_cores: 1,
      worker_threads: null,
      scheduler_memory: 2 ** 31,
      scheduler_cores: 1,
      adaptive_period: 3,
      idle_timeout: 0,
      ...{ cluster_max_lifetime: 0, client_timeout: 0, end_warning: 300 },
      cluster_max_memory: null,
      cluster_max_cores: null,
      cluster_max_workers: null,
      cluster_start_timeout: null,
      worker_start_timeout: null,
      worker_start_failure_limit: null,
    },
    status: 'submitted',
    queued: null,
    target: 'running',
    count: 0,
    attempt: null,
    token: `token-of-${name}`,
    tlsCert: 'CERTIFICATE',
    tlsKey: 'KEY',
    dashboardKey: 'dashboard-key',
    addresses: {
      scheduler: 'tls://127.0.0.1:1',
      dashboard: 'http://127.0.0.1:2',
      api: 'http://127.0.0.1:3',
    },
    startTime: 1_700_000_000_000,
    readyTime: null,
    endAge: null,
    adaptive: null,
    stopTime: null,
    reason: null,
    workerStartFailures: 0,
  }
}

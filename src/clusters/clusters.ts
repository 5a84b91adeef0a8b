import { BlockList } from 'node:net'
import {
  type Backend,
  type Cluster,
  type ClusterOptions,
  type ClusterStore,
  type DashboardTarget,
  type DrainStore,
  type dbBackendSettings,
  GatewayError,
  isFinal,
  type LogArchive,
  type Logger,
  type QuotaPolicy,
  type QuotaStore,
  type ResolveClusterSettings,
  type RouteTable,
  type Telemetry,
  type UsageStore,
} from '../core/index.ts'
import type { ClusterService } from './cluster-service.ts'
import { Housekeeping } from './housekeeping.ts'
import { Observer } from './observer.ts'
import { QuotaLedger } from './quota-ledger.ts'
import { LimitTable } from './quota-limits.ts'
import { Quotas } from './quotas.ts'
import { Reconciler } from './reconciler.ts'
import { Records } from './records.ts'
import { sendToScheduler } from './scheduler-comm.ts'
import { createClusterService } from './service.ts'
import type { Limits } from './situation.ts'

/** The values of `DBBackendBase`. */
export type ClusterPolicy = NonNullable<(typeof dbBackendSettings)['values']>

export interface ClustersParts {
  readonly store: ClusterStore & UsageStore
  readonly logArchive: LogArchive
  readonly backend: Backend
  readonly routes: RouteTable
  readonly options: ClusterOptions
  readonly resolveSettings: ResolveClusterSettings
  readonly policy: ClusterPolicy
  readonly drain: DrainStore
  readonly quotaStore: QuotaStore
  /** The configuration's; asked for again at each `reload`. */
  readonly quotaPolicy: () => QuotaPolicy
  /** Ports of this host that no scheduler may report as its own. */
  readonly ownPorts: () => readonly number[]
  readonly telemetry?: Telemetry
  readonly logger: Logger
}

/** All that has to do with clusters: their records, the loop that moves them, and what others may ask. */
export interface Clusters {
  readonly service: ClusterService
  readonly findDashboard: (name: string) => DashboardTarget | null
  /** Whose clusters there are; a name for each. */
  owners(): Iterable<string>
  /** To be called when the backend says that something changed. */
  readonly wake: () => void
  /** Reads the records and sets the routes of running clusters. Nothing moves yet. */
  load(): Promise<void>
  /** Takes the configuration's quotas anew. */
  reload(): void
  /** Starts the backend and the loops, and goes on with what was unfinished. */
  start(signal: AbortSignal): Promise<void>
  /** Asks for the end of all clusters and waits for it, `limitMs` at most; returns how many are left. */
  stopAll(limitMs: number): Promise<number>
  /** Ends the loops; clusters stay as they are. */
  stop(): Promise<void>
}

export function createClusters(parts: ClustersParts): Clusters {
  const { store, backend, routes, logArchive, logger, policy } = parts
  const ledger = new QuotaLedger()
  const limits = new LimitTable(parts.quotaStore, parts.quotaPolicy)
  const records = new Records(store, ledger)
  // A cluster may be asked for before the backend has started, which is then asked nothing; `start` wakes all.
  let isStarted = false
  const wakeCluster = (name: string) => {
    if (isStarted) reconciler.wake(name)
  }
  const quotas = new Quotas({
    ledger,
    limits,
    isDraining: () => parts.drain.drain !== null,
    wake: wakeCluster,
  })
  const reconciler = new Reconciler({
    records,
    quotas,
    backend,
    routes,
    logArchive,
    logger,
    telemetry: parts.telemetry,
    parallelism: policy.parallelism,
    backoffBaseMs: policy.backoff_base_delay * 1000,
    backoffMaxMs: policy.backoff_max_delay * 1000,
    limitsOf: (cluster) => limitsOf(policy, cluster),
  })
  const quietMs = Math.min(policy.cluster_status_period, policy.worker_status_period) * 1000
  const observer = new Observer({ records, backend, logger, wakeCluster, quietMs })
  const housekeeping = new Housekeeping({
    records,
    backend,
    logArchive,
    logger,
    cleanupPeriodMs: policy.db_cleanup_period * 1000,
    clusterMaxAgeMs: policy.db_cluster_max_age * 1000,
    logMaxAgeMs: policy.log_max_age * 1000,
    sweepMinAgeMs: policy.sweep_min_age * 1000,
    removeUsage: (before) => store.removeUsage(before),
    usageMaxAgeMs: policy.usage_max_age === null ? null : policy.usage_max_age * 1000,
  })
  const { findDashboard, ...service } = createClusterService({
    records,
    quotas,
    ledger,
    limits,
    backend,
    logArchive,
    options: parts.options,
    resolveSettings: parts.resolveSettings,
    send: sendToScheduler,
    drain: parts.drain,
    backendProblem: () => observer.problem,
    backlog: () => reconciler.backlog,
    networks: networksOf(policy.scheduler_networks),
    ownPorts: parts.ownPorts,
    wake: wakeCluster,
    logger,
  })
  const live = () => [...records.all()].filter((entry) => !isFinal(entry.cluster.status))
  return {
    service,
    findDashboard,
    owners: () => [...records.all()].map(({ cluster }) => cluster.username),
    wake: () => observer.wake(),
    async load() {
      await limits.load()
      const absurd = await records.load(routes)
      if (absurd > 0)
        logger.warn(
          `${absurd} schedulers and workers have begun in the future or years ago, as their records say: the system's clock was or is wrong. Their usage counts from now.`,
        )
    },
    reload: () => limits.reload(),
    async start(signal) {
      await backend.start(signal)
      isStarted = true
      observer.start()
      housekeeping.start()
      for (const { cluster } of live()) reconciler.wake(cluster.name)
    },
    async stopAll(limitMs) {
      const reason = 'The gateway was shut down'
      for (const { cluster } of live()) {
        await records.change(cluster.name, ({ cluster: newest }) =>
          newest.target === 'running' ? { cluster: { ...newest, target: 'failed', reason } } : null,
        )
        reconciler.wake(cluster.name)
      }
      const until = performance.now() + limitMs
      await Promise.all(live().map((entry) => ended(records, entry.cluster.name, until)))
      return live().length
    },
    async stop() {
      await Promise.all([reconciler.stop(), observer.stop(), housekeeping.stop()])
      await backend.stop()
    },
  }
}

/** Resolves when the cluster is final, or at `until`. */
function ended(records: Records, name: string, until: number): Promise<void> {
  return new Promise((resolve) => {
    const isEnded = () => isFinal(records.get(name)?.cluster.status ?? 'stopped')
    if (isEnded()) return resolve()
    const done = () => {
      clearTimeout(timer)
      unwatch()
      resolve()
    }
    const timer = setTimeout(done, Math.max(0, until - performance.now()))
    const unwatch = records.watch(name, () => {
      if (isEnded()) done()
    })
  })
}

function limitsOf(policy: ClusterPolicy, { settings }: Cluster): Limits {
  const heartbeat = policy.cluster_heartbeat_timeout ?? 2 * policy.cluster_heartbeat_period
  return {
    clusterStart: (settings.cluster_start_timeout ?? policy.cluster_start_timeout) * 1000,
    workerStart: (settings.worker_start_timeout ?? policy.worker_start_timeout) * 1000,
    heartbeat: heartbeat * 1000,
    queue: policy.queue_timeout * 1000,
    settle: policy.settle_time * 1000,
    roomAgain: Math.min(10, policy.backoff_max_delay) * 1000,
    stopAgain: 30_000,
    workerStartFailures: settings.worker_start_failure_limit ?? policy.worker_start_failure_limit,
  }
}

function networksOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    try {
      list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
    } catch (cause) {
      throw new GatewayError(
        'configuration',
        `Backend.scheduler_networks: "${network}" is no network such as "10.1.0.0/16"`,
        { cause },
      )
    }
  }
  return list
}

import { isDeepStrictEqual } from 'node:util'
import {
  type AdaptiveBounds,
  type Backend,
  type Backlog,
  type Cluster,
  type ClusterOptions,
  type DashboardTarget,
  type DrainStore,
  GatewayError,
  isFinal,
  type Json,
  type LogArchive,
  type Logger,
  messageOf,
  type ResolveClusterSettings,
  type Status,
  type User,
  type Worker,
} from '../core/index.ts'
import { detailsOf } from './cluster-details.ts'
import type { ClusterService, ClusterView, ScaleResult, ShownStatus } from './cluster-service.ts'
import { createCluster } from './create-cluster.ts'
import { followClusters } from './follow-clusters.ts'
import { markUsed } from './life-of.ts'
import { limitAdapt, limitScale, smallerLimit, type WorkerLimit } from './limits.ts'
import { createLogPieces } from './log-pieces.ts'
import type { QuotaLedger } from './quota-ledger.ts'
import type { LimitTable } from './quota-limits.ts'
import { allQuotas, quotaReport, quotasOfUser } from './quota-reports.ts'
import { usedText } from './quota-words.ts'
import type { Quotas, WorkerRoom } from './quotas.ts'
import { type Entry, objectRefs } from './records.ts'
import type { SendToScheduler } from './scheduler-comm.ts'
import { searchClusters } from './search-clusters.ts'
import { shownStatus, viewOf } from './shown-status.ts'
import { entryOfToken, type HeartbeatParts, takeHeartbeat } from './take-heartbeat.ts'

export interface ServiceParts extends HeartbeatParts {
  readonly quotas: Quotas
  readonly ledger: QuotaLedger
  readonly limits: LimitTable
  readonly backend: Backend
  readonly logArchive: LogArchive
  readonly options: ClusterOptions
  readonly resolveSettings: ResolveClusterSettings
  readonly send: SendToScheduler
  readonly drain: DrainStore
  readonly backendProblem: () => string | null
  readonly backlog: () => Backlog
  readonly logger: Logger
}

const logLimitMs = 20_000
const statuses: readonly Status[] = [
  'created',
  'submitted',
  'running',
  'closing',
  'stopped',
  'failed',
]

/** What users, schedulers and the dashboards ask of clusters: they read memory and write targets; the reconciler does the rest. */
export function createClusterService(
  parts: ServiceParts,
): ClusterService & { findDashboard(name: string): DashboardTarget | null } {
  const own = (user: User, name: string) => ownEntry(parts, user, name)
  return {
    create: (user, options) => createCluster(parts, user, options),
    list: (user, wanted) => list(parts, user, wanted ?? ['PENDING', 'RUNNING']),
    get(user, name) {
      const entry = ownEntry(parts, user, name)
      markUsed(entry)
      return viewOf(entry)
    },
    stop: (user, name) => stop(parts, user, name),
    stopByToken: (name, token) => stopByToken(parts, name, token),
    scale: (user, name, count) => scale(parts, user, name, count),
    adapt: (user, name, request) => adapt(parts, user, name, request),
    heartbeat: (name, token, heartbeat, source) =>
      takeHeartbeat(parts, name, token, heartbeat, source),
    knowsToken: (name, token) => entryOfToken(parts, name, token) !== null,
    knowsCaller: (name, token) => clusterOfCaller(parts, name, token) !== null,
    callHome: (name, token, message, signal) => callHome(parts, name, token, message, signal),
    events: (user, name, afterId, limit) =>
      parts.records.events(ownEntry(parts, user, name).cluster.name, afterId, limit),
    workers: (user, name) => [...ownEntry(parts, user, name).workers.values()],
    logs: (user, name, workerName, maxBytes) => logs(parts, user, name, workerName, maxBytes),
    counts: () => counts(parts),
    details: (user, name) => detailsOf(own(user, name)),
    search: (search) => searchClusters(parts.records, search),
    ...followClusters(parts.records, own),
    logPiece: createLogPieces({ ...parts, ownEntry: own }),
    usage: (query) => parts.records.usage(query),
    ownerOf: (name) => ownerOf(parts, name),
    stopAs: async (admin, name) => {
      ownerOf(parts, name)
      await writeStop(parts, name, `Stopped by the administrator ${admin.name}`)
    },
    drain: () => parts.drain.drain,
    backendProblem: parts.backendProblem,
    backlog: parts.backlog,
    setDrain: async (drain) => {
      await parts.drain.saveDrain(drain)
      parts.quotas.wakeAll()
    },
    ownQuotas: (user) => quotasOfUser(parts, user),
    allQuotas: () => allQuotas(parts),
    async setQuota(admin, holder, limits) {
      await parts.limits.set(admin, holder, limits)
      return quotaReport(parts, holder)
    },
    unsetQuota: (holder) => parts.limits.unset(holder),
    findDashboard: (name) => findDashboard(parts, name),
  }
}

/** The cluster for which the backend started who has this token; null: none. */
function clusterOfCaller(
  { records, backend }: ServiceParts,
  name: string,
  token: string,
): Cluster | null {
  const cluster = records.get(name)?.cluster
  if (cluster === undefined || isFinal(cluster.status)) return null
  return backend.callHome?.knows(cluster, token) ? cluster : null
}

async function callHome(
  parts: ServiceParts,
  name: string,
  token: string,
  message: unknown,
  signal: AbortSignal,
): Promise<Json> {
  const cluster = clusterOfCaller(parts, name, token)
  if (cluster === null || parts.backend.callHome === undefined)
    throw new GatewayError('unauthenticated', 'The token is not that of this cluster')
  return await parts.backend.callHome.answer(cluster, message, signal)
}

function ownEntry({ records }: ServiceParts, user: User, name: string): Entry {
  const entry = records.get(name)
  if (entry === undefined) throw new GatewayError('not-found', `Cluster ${name} not found`)
  if (entry.cluster.username !== user.name)
    throw new GatewayError(
      'forbidden',
      `User ${user.name} lacks permissions to view cluster ${name}`,
    )
  return entry
}

function ownerOf({ records }: ServiceParts, name: string): User {
  const entry = records.get(name)
  if (entry === undefined) throw new GatewayError('not-found', `Cluster ${name} not found`)
  return { name: entry.cluster.username, groups: [], admin: false }
}

function list(
  { records }: ServiceParts,
  user: User,
  wanted: readonly ShownStatus[],
): ClusterView[] {
  const views: ClusterView[] = []
  for (const entry of records.ofUser(user.name)) {
    const shown = shownStatus(entry)
    if (wanted.includes(shown)) views.push({ cluster: entry.cluster, shown })
  }
  return views
}

async function stop(parts: ServiceParts, user: User, name: string): Promise<void> {
  if (parts.records.get(name) === undefined) return
  ownEntry(parts, user, name)
  await writeStop(parts, name, `Stopped by ${user.name}`)
}

async function stopByToken(parts: ServiceParts, name: string, token: string): Promise<boolean> {
  const entry = entryOfToken(parts, name, token)
  if (entry === null) return false
  const idle = entry.cluster.settings.idle_timeout
  await writeStop(parts, name, idle > 0 ? `Idle for ${idle} s` : 'Stopped by its scheduler')
  return true
}

async function writeStop(
  { records, wake }: ServiceParts,
  name: string,
  reason: string,
): Promise<void> {
  await records.change(name, ({ cluster }) =>
    isFinal(cluster.status) || cluster.target !== 'running'
      ? null
      : {
          cluster: { ...cluster, target: 'stopped', reason },
          events: [{ kind: 'stop-requested', message: reason }],
        },
  )
  wake(name)
}

async function scale(
  parts: ServiceParts,
  user: User,
  name: string,
  asked: number,
): Promise<ScaleResult> {
  const entry = runningEntry(parts, user, name)
  const { cluster } = entry
  const stay = [...entry.workers.values()].filter(
    ({ status, target, endExpected }) => !isFinal(status) && target === 'running' && !endExpected,
  ).length
  const room = quotaLimit(parts.quotas.roomForWorkers(cluster), stay)
  const { count, message } = limitScale(smallerLimit(cluster.settings, room), asked)
  await tell(parts, entry, { op: 'scale', count })
  await noteAdaptive(parts, cluster.name, null)
  return { message }
}

async function adapt(
  parts: ServiceParts,
  user: User,
  name: string,
  request: AdaptiveBounds & { readonly active: boolean },
): Promise<ScaleResult> {
  const entry = runningEntry(parts, user, name)
  const { cluster } = entry
  // What others leave changes while it adapts: bounds are of the whole quota, and workers begin as there is room.
  const whole = quotaLimit(parts.quotas.mostWorkers(cluster), 0)
  const { bounds, message } = limitAdapt(smallerLimit(cluster.settings, whole), request)
  await tell(parts, entry, { op: 'adapt', ...bounds, active: request.active })
  await noteAdaptive(parts, cluster.name, request.active ? bounds : null)
  return { message }
}

async function noteAdaptive(
  { records }: ServiceParts,
  name: string,
  adaptive: AdaptiveBounds | null,
): Promise<void> {
  await records.change(name, ({ cluster }) => {
    if (isDeepStrictEqual(cluster.adaptive, adaptive)) return null
    const message = adaptive === null ? 'It adapts to its load no longer' : adaptiveText(adaptive)
    return { cluster: { ...cluster, adaptive }, events: [{ kind: 'adaptive', message }] }
  })
}

function adaptiveText({ minimum, maximum }: AdaptiveBounds): string {
  const most = maximum === null ? 'or more' : `to ${maximum}`
  return `It adapts to its load: ${minimum ?? 0} ${most} workers`
}

function quotaLimit({ workers, tightest }: WorkerRoom, present: number): WorkerLimit {
  return { workers: present + workers, words: tightest === null ? '' : usedText(tightest) }
}

function runningEntry(parts: ServiceParts, user: User, name: string): Entry {
  const entry = ownEntry(parts, user, name)
  if (shownStatus(entry) === 'RUNNING') return entry
  throw new GatewayError('conflict', `cluster ${name} is not running`)
}

/** Whether the scheduler lives is decided by heartbeats and by the backend, not by a request that it missed. */
async function tell(
  { send, wake, logger }: ServiceParts,
  entry: Entry,
  message: Json,
): Promise<void> {
  const { name, addresses, token } = entry.cluster
  if (addresses === null) throw new GatewayError('conflict', `cluster ${name} is not running`)
  try {
    await send(addresses.api, token, message)
  } catch (cause) {
    logger.warn('A scheduler could not be told', { cluster: name, error: cause })
    wake(name)
    throw new GatewayError('conflict', `cluster ${name} is not running: ${messageOf(cause)}`, {
      cause,
    })
  }
}

async function logs(
  parts: ServiceParts,
  user: User,
  name: string,
  workerName: string | null,
  maxBytes: number,
): Promise<Buffer | null> {
  const entry = ownEntry(parts, user, name)
  if (workerName !== null && !entry.workers.has(workerName))
    throw new GatewayError('not-found', `Cluster ${name} has no worker ${workerName}`)
  const ref = objectRefs(entry).find((each) => each.workerName === workerName)
  const live =
    ref === undefined || ref.handle === null
      ? null
      : await parts.backend.logs(entry.cluster, ref, maxBytes, AbortSignal.timeout(logLimitMs))
  return live ?? parts.logArchive.get(name, workerName ?? 'scheduler', maxBytes)
}

function counts({ records }: ServiceParts) {
  const zero = () =>
    Object.fromEntries(statuses.map((status) => [status, 0])) as Record<Status, number>
  const result = { clusters: zero(), workers: zero() }
  const count = (into: Record<Status, number>, { status }: Cluster | Worker) => {
    into[status] += 1
  }
  for (const { cluster, workers } of records.all()) {
    count(result.clusters, cluster)
    for (const worker of workers.values()) count(result.workers, worker)
  }
  return result
}

function findDashboard({ records }: ServiceParts, name: string): DashboardTarget | null {
  const entry = records.get(name)
  if (entry === undefined || isFinal(entry.cluster.status)) return null
  const { username, dashboardKey, addresses } = entry.cluster
  const address = shownStatus(entry) === 'RUNNING' ? (addresses?.dashboard ?? null) : null
  return { clusterName: name, username, address, key: dashboardKey }
}

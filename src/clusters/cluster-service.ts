import type {
  Backlog,
  Cluster,
  ClusterEvent,
  Drain,
  Json,
  QuotaHolder,
  QuotaLimits,
  QuotaOverride,
  QuotaPolicy,
  QuotaResource,
  Status,
  UsageQuery,
  UsageSum,
  User,
  Worker,
} from '../core/index.ts'

import type { ComingEnd } from './life.ts'

/** The status that users see (wire-protocol.md, section 4.3). */
export type ShownStatus = 'PENDING' | 'RUNNING' | 'STOPPING' | 'STOPPED' | 'FAILED'

export const shownStatuses: readonly ShownStatus[] = [
  'PENDING',
  'RUNNING',
  'STOPPING',
  'STOPPED',
  'FAILED',
]

/** A cluster and what users may see of it now. */
export interface ClusterView {
  readonly cluster: Cluster
  /** RUNNING only once the proxies have the route. */
  readonly shown: ShownStatus
}

/** A cluster with all that people may see of its state. */
export interface ClusterDetails extends ClusterView {
  /** What it waits for, in words; null when it is not PENDING. */
  readonly pendingReason: string | null
  /** Connections of clients through the proxies; null: not known. */
  readonly clients: number | null
  /** When it will end by itself as things are, and why; null: no end is in sight. */
  readonly end: ComingEnd | null
  readonly workers: { readonly [status in Status]: number }
  /** Of the scheduler and the workers that run. */
  readonly cores: number
  readonly memoryBytes: number
}

/** Which clusters are looked for; null: any. */
export interface ClusterSearch {
  /** Exactly. */
  readonly username: string | null
  readonly statuses: readonly ShownStatus[] | null
  /** Part of the name, of the user's name or of the reason, in any case. */
  readonly text: string | null
  /** The last cluster of the page before. */
  readonly after: ClusterPosition | null
  readonly limit: number
}

/** Where a cluster stands among all: the newest first, those of one moment by name. */
export interface ClusterPosition {
  readonly startTime: number
  readonly name: string
}

export interface FoundClusters {
  readonly clusters: readonly ClusterDetails[]
  /** How many there are on all pages. */
  readonly total: number
  /** Where the next page begins; null: this was the last. */
  readonly next: ClusterPosition | null
}

/** A version of a user's clusters; of another run of the gateway it means nothing. */
export interface FeedPosition {
  readonly epoch: string
  readonly version: number
}

/** What differs from a position. */
export interface FeedChanges {
  readonly position: FeedPosition
  /** Whether `clusters` are all that live, since the position was not known. */
  readonly isSnapshot: boolean
  readonly clusters: readonly ClusterDetails[]
  readonly removed: readonly string[]
}

/** Part of a log, from a position on. */
export interface FollowedLog {
  readonly from: number
  readonly bytes: Buffer
  /** Nothing more will come. */
  readonly isOver: boolean
}

/** A limit and who says so: a setting's name, or `administrator`; null: nobody, so that there is none. */
export interface Limit {
  readonly limit: number | null
  readonly source: string | null
}

/** A quota as people see it. */
export interface QuotaReport extends QuotaHolder {
  readonly resources: { readonly [resource in QuotaResource]: Limit & { readonly used: number } }
  /** What an administrator has set; null: nothing. */
  readonly override: QuotaOverride | null
  /** That more is used than is allowed, and what that means; null: it is not so. */
  readonly notice: string | null
}

export interface QuotaReports {
  readonly over: QuotaPolicy['over']
  readonly quotas: readonly QuotaReport[]
}

/** What a scheduler reports (wire-protocol.md, section 5.1), checked for shape by `api/`. */
export interface Heartbeat {
  readonly schedulerAddress: string
  /** Empty: no dashboard. */
  readonly dashboardAddress: string
  readonly apiAddress: string
  readonly count: number
  readonly activeWorkers: readonly string[]
  readonly closingWorkers: readonly string[]
  readonly closedWorkers: readonly string[]
}

/** `message` is null when all of it was done, else the warning that the client shows. */
export interface ScaleResult {
  readonly message: string | null
}

/**
 * What `api/` may do with clusters. Each method checks what the user may do and throws `GatewayError` with the
 * texts of the wire document: 'not-found', 'forbidden', 'invalid', 'conflict', 'unauthenticated'.
 * Nothing here waits for the outside, except `waitWhilePending`, `scale`, `adapt` and `logs`, which have limits.
 */
export interface ClusterService {
  /** Records a new cluster and returns at once; options are checked against the user's fields. */
  create(user: User, options: unknown): Promise<Cluster>
  /** The user's own clusters with these statuses; without: PENDING and RUNNING. Newest last. */
  list(user: User, statuses?: readonly ShownStatus[]): readonly ClusterView[]
  get(user: User, name: string): ClusterView
  /** As `get`, but answers only when the cluster has left PENDING (and, within half a second, STOPPING) or `limitMs` is over. */
  waitWhilePending(
    user: User,
    name: string,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<ClusterView>
  /** Asks for its end; unknown and ended clusters are fine. */
  stop(user: User, name: string): Promise<void>
  /** As `stop`, by the cluster's own token (idle time-out). false: the token is not that cluster's. */
  stopByToken(name: string, token: string): Promise<boolean>
  scale(user: User, name: string, count: number): Promise<ScaleResult>
  adapt(
    user: User,
    name: string,
    request: {
      readonly minimum: number | null
      readonly maximum: number | null
      readonly active: boolean
    },
  ): Promise<ScaleResult>
  /** `source`: the address the heartbeat came from, for the check of the reported ones. */
  heartbeat(name: string, token: string, heartbeat: Heartbeat, source: string): Promise<void>
  /** Before a large body is read: whether the token is that cluster's. */
  knowsToken(name: string, token: string): boolean
  /** Before the message is read: whether the token is that of what the backend started for this cluster. */
  knowsCaller(name: string, token: string): boolean
  /** What the backend answers to it; see `CallHome`. The token has been checked by `knowsCaller`, and is again. */
  callHome(name: string, token: string, message: unknown, signal: AbortSignal): Promise<Json>
  events(user: User, name: string, afterId: number, limit: number): Promise<readonly ClusterEvent[]>
  workers(user: User, name: string): readonly Worker[]
  /** The log's last `maxBytes`, of the scheduler or of a worker, also after the end; null: there is none. */
  logs(
    user: User,
    name: string,
    workerName: string | null,
    maxBytes: number,
  ): Promise<Buffer | null>
  /** For metrics and health. */
  counts(): {
    readonly clusters: { readonly [status in Status]: number }
    readonly workers: { readonly [status in Status]: number }
  }
  details(user: User, name: string): ClusterDetails
  /** Anybody's clusters, ended ones too, the newest first: `api/` says whose. */
  search(search: ClusterSearch): FoundClusters
  /** What differs in the user's clusters from `since`; without, all that live. */
  changes(user: User, since: FeedPosition | null): FeedChanges
  /** Resolves when `changes` may have more than `since`, or `signal` aborts. */
  whenChanged(user: User, since: FeedPosition, signal: AbortSignal): Promise<void>
  /** As `events`, for those who follow: waits for at least one, for the cluster's end or for `signal`. */
  nextEvents(
    user: User,
    name: string,
    afterId: number,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly events: readonly ClusterEvent[]; readonly isOver: boolean }>
  /** What a log has from a position on, now; null: its last `maxBytes`. */
  logPiece(
    user: User,
    name: string,
    workerName: string | null,
    from: number | null,
    maxBytes: number,
  ): Promise<FollowedLog>
  /** What was used and is used now: `api/` says whose. */
  usage(query: UsageQuery): Promise<readonly UsageSum[]>
  /** For administrators: whose cluster it is, so that they may ask for it as its owner. */
  ownerOf(name: string): User
  /** As `stop`, by an administrator. */
  stopAs(admin: User, name: string): Promise<void>
  /** null: new clusters are welcome. */
  drain(): Drain | null
  setDrain(drain: Drain | null): Promise<void>
  /** The user's quota, and those of the user's groups that have one. */
  ownQuotas(user: User): QuotaReports
  /** For administrators: of all who have something, or limits of their own. */
  allQuotas(): QuotaReports
  /** Sets limits in place of those that an administrator had set; stops nothing. */
  setQuota(admin: User, holder: QuotaHolder, limits: QuotaLimits): Promise<QuotaReport>
  /** The configuration's limits hold again. Throws 'not-found' when no others are set. */
  unsetQuota(holder: QuotaHolder): Promise<void>
  /** What went wrong at the last look at what runs; null: nothing. */
  backendProblem(): string | null
  /** How far behind the loop that moves clusters is. */
  backlog(): Backlog
}

import type { Cluster, ClusterEvent, Status, User, Worker } from '../core/index.ts'

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
  /** As `get`, but answers only when the cluster has left PENDING or `limitMs` is over. */
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
}

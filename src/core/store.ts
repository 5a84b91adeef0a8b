import type { TokenStore } from './access-token.ts'
import type { Session } from './authenticator.ts'
import type { Cluster, ClusterEvent, Worker } from './cluster.ts'
import type { QuotaStore } from './quota.ts'
import type { DayUsage, UsageStore } from './usage.ts'

/** One change of the records. All changes of one `commit` become durable together or not at all. */
export type Change =
  | { readonly put: 'cluster'; readonly cluster: Cluster }
  | { readonly put: 'worker'; readonly worker: Worker }
  | { readonly put: 'event'; readonly event: ClusterEvent }
  /** Added to what is there for that day and owner. */
  | { readonly put: 'usage'; readonly usage: DayUsage }
  /** With its workers and events. */
  | { readonly remove: 'cluster'; readonly clusterName: string }
  /** All but the newest `keep` of a cluster. */
  | { readonly remove: 'old-events'; readonly clusterName: string; readonly keep: number }
  /** With its events. */
  | { readonly remove: 'worker'; readonly clusterName: string; readonly workerName: string }

/**
 * The records, written before the world is asked and read at start. `clusters/` keeps all live clusters in memory
 * and is the only writer, so reads while running are few. When `commit` throws, nothing of it was written.
 */
export interface ClusterStore {
  /** Everything but events. */
  load(): Promise<{
    readonly clusters: readonly Cluster[]
    readonly workers: readonly Worker[]
    /** The highest event id so far; 0: none. */
    readonly lastEventId: number
  }>
  commit(changes: readonly Change[]): Promise<void>
  /** A cluster's events in order, those after `afterId`, at most `limit`. */
  events(clusterName: string, afterId: number, limit: number): Promise<readonly ClusterEvent[]>
}

/** Sessions on disk, by the hash of their secret value. */
export interface SessionStore {
  loadSessions(
    now: number,
  ): Promise<readonly { readonly hash: string; readonly session: Session }[]>
  putSession(hash: string, session: Session): Promise<void>
  removeSession(hash: string): Promise<void>
  removeExpiredSessions(now: number): Promise<void>
}

/** What identifies this gateway across restarts; made once, kept in the store, secrets encrypted. */
export interface Instance {
  /** 32 hexadecimal digits, random. Part of every name outside. */
  readonly id: string
  /** Secret. Signs dashboard links; 32 bytes. */
  readonly signingKey: Buffer
  /** Secret. What a proxy shows to watch routes, when no setting gives one. */
  readonly proxyToken: string
  /** The port of the private listener, chosen once when the setting says 0; null: not chosen yet. */
  readonly privatePort: number | null
}

/** Something that somebody did by the API; kept for administrators. */
export interface AuditEvent {
  /** Grows in the order of happening. */
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Who did it. */
  readonly user: string
  /** A stable word for programs, such as `create` or `admin-stop`. */
  readonly action: string
  readonly cluster: string | null
  /** Whose cluster it is; null: it is about no cluster. */
  readonly owner: string | null
  /** Where the request came from. */
  readonly address: string
  /** More, in words; empty: there is no more to say. */
  readonly message: string
}

export interface AuditQuery {
  /** Only those with a greater id, the oldest first; null: the newest first. */
  readonly after: number | null
  /** Only those with a smaller id; null: all. */
  readonly before: number | null
  readonly limit: number
  readonly user: string | null
  readonly cluster: string | null
}

/** What was done: nothing of it changes, and only the oldest are ever removed. */
export interface AuditStore {
  /** All of them together or none, in their order. */
  addAudit(events: readonly Omit<AuditEvent, 'id'>[]): Promise<void>
  audit(query: AuditQuery): Promise<readonly AuditEvent[]>
  /** Removes all but the newest `keep`, and those before the first that happened at `before` (milliseconds since the epoch) or later. */
  forgetAudit(which: { readonly keep: number; readonly before: number | null }): Promise<void>
}

/** An administrator wants no new clusters; those that are there go on. */
export interface Drain {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly by: string
  /** Why, for users; empty: not said. */
  readonly message: string
}

/** Keeps a drain over restarts. */
export interface DrainStore {
  readonly drain: Drain | null
  saveDrain(drain: Drain | null): Promise<void>
}

export interface Store
  extends ClusterStore,
    SessionStore,
    TokenStore,
    AuditStore,
    DrainStore,
    QuotaStore,
    UsageStore {
  readonly instance: Instance
  /**
   * A directory of ours (0700) beside the database, for the proxy's socket, logs and working directories; for a database
   * in memory, a temporary one that `close` removes.
   */
  readonly stateDirectory: string
  savePrivatePort(port: number): Promise<void>
  /** Ends when no write is under way; lets the next gateway in. */
  close(): Promise<void>
  /** For readiness: throws with the reason when the store cannot be written now. */
  probe(): Promise<void>
}

/** The last part of logs, kept after their process and its directory are gone. */
export interface LogArchive {
  put(clusterName: string, objectName: string, log: Buffer): Promise<void>
  get(clusterName: string, objectName: string, maxBytes: number): Promise<Buffer | null>
  remove(clusterName: string): Promise<void>
}

/** The shapes of the API, as `/api/v1/openapi.json` has them; a test holds the two together. Times are milliseconds since the epoch. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export type ClusterStatus = 'PENDING' | 'RUNNING' | 'STOPPING' | 'STOPPED' | 'FAILED'
export type WorkerStatus = 'created' | 'submitted' | 'running' | 'closing' | 'stopped' | 'failed'

export interface User {
  readonly name: string
  readonly groups: readonly string[]
  readonly admin: boolean
  /** How programs log in: `Basic`, `jupyterhub` or `Negotiate`. */
  readonly challenge: string
  /** null: each request is judged by its credentials. */
  readonly session: { readonly kind: 'header' | 'login'; readonly expires_at: number } | null
  /** What the request was sent with; null: no access token. */
  readonly token: AccessToken | null
}

/** What an access token may do; each includes what those before it may. */
export type TokenScope = 'read' | 'manage' | 'admin'

/** A personal access token, without its secret. */
export interface AccessToken {
  readonly id: string
  readonly name: string
  readonly username: string
  readonly scope: TokenScope
  readonly created_at: number
  /** null: never. */
  readonly expires_at: number | null
  /** To the minute; null: it was not used yet. */
  readonly last_used_at: number | null
}

export interface AccessTokens {
  readonly tokens: readonly AccessToken[]
}

export interface NewAccessToken {
  readonly name: string
  readonly scope: TokenScope
  /** Seconds; null: never; without: 90 days, or less where the gateway allows less. */
  readonly expires_in?: number | null
}

/** With its secret, which is told this once. */
export type CreatedAccessToken = AccessToken & { readonly secret: string }

/** One option of clusters; `spec.type` says which kind of field it is. */
export interface OptionField {
  readonly field: string
  readonly label: string
  readonly default: Json
  readonly spec: JsonObject
}

export interface ClusterInfo {
  readonly name: string
  readonly username: string
  readonly status: ClusterStatus
  /** What it waits for, in words; null: it is not PENDING. */
  readonly pending_reason: string | null
  /** Why it failed or was stopped; null: nothing is wrong. */
  readonly reason: string | null
  readonly start_time: number
  readonly stop_time: number | null
  /** When it will end by itself as things are; null: no end is in sight. */
  readonly ends_at: number | null
  readonly end_reason: string | null
  /** Connections of clients; null: not known. */
  readonly clients: number | null
  readonly options: JsonObject
  readonly workers: { readonly wanted: number } & { readonly [status in WorkerStatus]: number }
  /** Between how many workers the scheduler chooses by its load (null: no bound); null: it does not. */
  readonly adaptive: { readonly minimum: number | null; readonly maximum: number | null } | null
  /** Of the scheduler and the workers that run. */
  readonly cores: number
  /** Bytes. */
  readonly memory: number
  /** Of one worker. */
  readonly worker_cores: number
  /** Bytes. */
  readonly worker_memory: number
  readonly max_workers: number | null
  /** Below the gateway's address; null: there is none now. */
  readonly dashboard_route: string | null
}

export interface ClusterPage {
  readonly clusters: readonly ClusterInfo[]
  /** On all pages. */
  readonly total: number
  /** For the next page; null: this was the last. */
  readonly cursor: string | null
}

export interface ScaleResult {
  readonly ok: boolean
  /** Why it is not all that was asked for. */
  readonly msg: string | null
}

export interface Event {
  readonly id: number
  readonly time: number
  /** A stable word for programs. */
  readonly kind: string
  readonly message: string
  readonly worker: string | null
  readonly details: JsonObject
}

export interface Worker {
  readonly name: string
  readonly status: WorkerStatus
  readonly start_time: number
  readonly stop_time: number | null
  readonly reason: string | null
}

/** Part of a log. */
export interface LogPiece {
  /** The position of its first byte. */
  readonly from: number
  readonly text: string
}

export type QuotaScope = 'user' | 'group'
export type QuotaResource = 'clusters' | 'workers' | 'cores' | 'memory'

/** Of one resource; memory in bytes. */
export interface QuotaAmount {
  /** null: there is none. */
  readonly limit: number | null
  readonly used: number
  /** Who says so: a setting's name, or `administrator`. */
  readonly source: string | null
}

/** How much a user or a group uses, and may. */
export type Quota = { readonly [resource in QuotaResource]: QuotaAmount } & {
  readonly scope: QuotaScope
  readonly name: string
  /** What an administrator has set. */
  readonly override: {
    readonly limits: QuotaLimits
    readonly set_by: string
    readonly set_at: number
  } | null
  /** That more is used than is allowed, and what that means. */
  readonly notice: string | null
}

export interface Quotas {
  /** What becomes of a new cluster without room. */
  readonly over: 'refuse' | 'queue'
  readonly quotas: readonly Quota[]
}

/** null: without limit; absent: as the configuration has it. */
export interface QuotaLimits {
  readonly clusters?: number | null
  readonly workers?: number | null
  readonly cores?: number | null
  /** Bytes, or a number with K, M, G or T. */
  readonly memory?: number | string | null
}

export type UsageKey = 'day' | 'month' | 'user' | 'group' | 'label'

/** What clusters used, those that run included, from the first to the last of these days (UTC). */
export interface Usage {
  readonly from: string
  readonly to: string
  readonly by: readonly UsageKey[]
  readonly usage: readonly UsageSum[]
}

/**
 * One sum. What was not asked for is null, and so are the group or label of what has none. What belongs to several groups or labels is in
 * the sum of each.
 */
export interface UsageSum {
  /** `YYYY-MM-DD`. */
  readonly day: string | null
  /** `YYYY-MM`. */
  readonly month: string | null
  readonly user: string | null
  readonly group: string | null
  /** `NAME=VALUE`. */
  readonly label: string | null
  readonly cluster_seconds: number
  readonly worker_seconds: number
  readonly core_seconds: number
  /** Bytes times seconds. */
  readonly memory_byte_seconds: number
}

export interface AuditEvent {
  readonly id: number
  readonly time: number
  readonly user: string
  readonly action: string
  readonly cluster: string | null
  readonly owner: string | null
  readonly address: string
  readonly message: string
}

export interface Drain {
  readonly draining: boolean
  readonly since: number | null
  readonly by: string | null
  readonly message: string | null
}

export interface AdminHealth {
  readonly status: 'pass' | 'fail'
  /** `pass`, or what is wrong, by what was looked at. */
  readonly checks: { readonly [name: string]: string }
  readonly version: string
  readonly backend: string
  readonly start_time: number
  /** Bytes. */
  readonly memory: number
  readonly streams: number
  readonly draining: boolean
  readonly proxies: readonly { readonly name: string; readonly routes: number }[]
  readonly clusters: { readonly [status in WorkerStatus]: number }
  readonly workers: { readonly [status in WorkerStatus]: number }
}

/** What `watch` tells: all that live at first, then each that changed or was forgotten. */
export type ClusterChange =
  | { readonly type: 'snapshot'; readonly clusters: readonly ClusterInfo[] }
  | { readonly type: 'cluster'; readonly cluster: ClusterInfo }
  | { readonly type: 'removed'; readonly name: string }

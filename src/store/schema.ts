import type { Generated } from 'kysely'

/** The tables as Kysely sees them; `migrations.ts` makes them. Times are milliseconds since the epoch, flags 0 or 1. */
export interface Schema {
  readonly instance: InstanceRow
  readonly cluster: ClusterRow
  readonly worker: WorkerRow
  readonly event: EventRow
  readonly session: SessionRow
  readonly access_token: AccessTokenRow
  readonly audit: AuditRow
  readonly quota: QuotaRow
  readonly usage_account: UsageAccountRow
  readonly usage: UsageRow
}

/** One row only. */
export interface InstanceRow {
  readonly id: string
  /** Sealed; base64. */
  readonly signing_key: string
  /** Sealed. */
  readonly proxy_token: string
  readonly private_port: number | null
  /** Kept apart from the events, so that numbers of removed ones are not used again. */
  readonly last_event_id: number
  /** How often `probe` wrote here. Another number each time, for SQLite does not write what is the same. */
  readonly probes: number
  /** JSON of a `Drain`. */
  readonly drain: string | null
  /** The last audit event that may be removed. */
  readonly audit_forgotten: number
}

export interface ClusterRow {
  readonly name: string
  readonly username: string
  /** JSON. */
  readonly groups: string
  /** JSON. */
  readonly options: string
  /** JSON. */
  readonly settings: string
  readonly status: string
  readonly target: string
  readonly queued: number | null
  readonly count: number
  /** JSON. */
  readonly adaptive: string | null
  /** JSON. */
  readonly attempt: string | null
  /** Sealed. */
  readonly token: string
  readonly tls_cert: string
  /** Sealed. */
  readonly tls_key: string
  /** Sealed. */
  readonly dashboard_key: string
  /** JSON. */
  readonly addresses: string | null
  readonly start_time: number
  readonly ready_time: number | null
  readonly end_age: number | null
  readonly stop_time: number | null
  readonly reason: string | null
  readonly worker_start_failures: number
}

export interface WorkerRow {
  readonly name: string
  readonly cluster_name: string
  readonly status: string
  readonly target: string
  /** JSON. */
  readonly attempt: string | null
  readonly end_expected: number
  readonly start_time: number
  readonly stop_time: number | null
  readonly reason: string | null
}

export interface EventRow {
  readonly id: number
  readonly cluster_name: string
  readonly time: number
  readonly kind: string
  readonly message: string
  readonly worker: string | null
  /** JSON. */
  readonly details: string
}

export interface SessionRow {
  readonly hash: string
  readonly username: string
  /** JSON. */
  readonly groups: string
  readonly admin: number
  readonly kind: string
  readonly expires_at: number
}

export interface AccessTokenRow {
  /** Of the secret. */
  readonly hash: string
  readonly id: string
  readonly name: string
  readonly username: string
  /** JSON. */
  readonly groups: string
  readonly admin: number
  readonly scope: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
  readonly made_by: string | null
}

export interface AuditRow {
  readonly id: Generated<number>
  readonly time: number
  readonly username: string
  readonly action: string
  readonly cluster_name: string | null
  readonly owner: string | null
  readonly address: string
  readonly message: string
}

export interface QuotaRow {
  readonly scope: string
  readonly name: string
  /** JSON. */
  readonly limits: string
  readonly set_by: string
  readonly set_at: number
}

/** Whose usage it is, once for all days. */
export interface UsageAccountRow {
  readonly id: Generated<number>
  readonly username: string
  /** JSON, sorted. */
  readonly groups: string
  /** JSON, sorted. */
  readonly labels: string
}

/** What ended on a day, in milliseconds. */
export interface UsageRow {
  readonly day: string
  readonly account: number
  readonly cluster_ms: number
  readonly worker_ms: number
  readonly core_ms: number
  readonly memory_byte_ms: number
}

/** The columns that hold sealed secrets, with the column that names the row. */
export const sealedColumns = [
  { table: 'instance', key: 'id', columns: ['signing_key', 'proxy_token'] },
  { table: 'cluster', key: 'name', columns: ['token', 'tls_key', 'dashboard_key'] },
] as const

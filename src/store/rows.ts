import * as z from 'zod'
import {
  type Cluster,
  type ClusterEvent,
  GatewayError,
  type Json,
  type Session,
  type Worker,
} from '../core/index.ts'
import {
  type ClusterRow,
  type EventRow,
  type SessionRow,
  sealedColumns,
  type WorkerRow,
} from './schema.ts'
import type { SecretBox, SecretPlace } from './secret-box.ts'

const clusterFields = {
  name: 'name',
  username: 'username',
  groups: 'groups',
  options: 'options',
  settings: 'settings',
  status: 'status',
  target: 'target',
  queued: 'queued',
  count: 'count',
  adaptive: 'adaptive',
  attempt: 'attempt',
  token: 'token',
  tls_cert: 'tlsCert',
  tls_key: 'tlsKey',
  dashboard_key: 'dashboardKey',
  addresses: 'addresses',
  start_time: 'startTime',
  ready_time: 'readyTime',
  end_age: 'endAge',
  stop_time: 'stopTime',
  reason: 'reason',
  worker_start_failures: 'workerStartFailures',
} as const satisfies { readonly [column in keyof ClusterRow]: keyof Cluster }
const clusterColumns = Object.keys(clusterFields) as (keyof ClusterRow)[]
const secretColumns = new Set<string>(
  sealedColumns.find(({ table }) => table === 'cluster')?.columns,
)

/** The columns of a cluster, or those in which it differs from how it was written last. */
export function clusterToRow(
  cluster: Cluster,
  written: Cluster | null,
  secrets: SecretBox,
): Partial<ClusterRow> {
  const place = clusterPlaces(cluster.name)
  const columnOf = (column: keyof ClusterRow) => {
    const value = cluster[clusterFields[column]]
    if (secretColumns.has(column)) return secrets.seal(String(value), place(column))
    return typeof value === 'object' ? jsonOrNull(value) : value
  }
  return Object.fromEntries(
    clusterColumns
      .filter((column) => written?.[clusterFields[column]] !== cluster[clusterFields[column]])
      .map((column) => [column, columnOf(column)]),
  )
}

export function clusterFromRow(row: unknown, secrets: SecretBox): Cluster {
  const parsed = parsedRow(clusterRow, 'cluster', row)
  const place = clusterPlaces(parsed.name)
  return {
    name: parsed.name,
    username: parsed.username,
    groups: parsed.groups,
    options: parsed.options,
    settings: parsed.settings,
    status: parsed.status,
    target: parsed.target,
    queued: parsed.queued,
    count: parsed.count,
    adaptive: parsed.adaptive,
    attempt: parsed.attempt,
    token: secrets.open(parsed.token, place('token')),
    tlsCert: parsed.tls_cert,
    tlsKey: secrets.open(parsed.tls_key, place('tls_key')),
    dashboardKey: secrets.open(parsed.dashboard_key, place('dashboard_key')),
    addresses: parsed.addresses,
    startTime: parsed.start_time,
    readyTime: parsed.ready_time,
    endAge: parsed.end_age,
    stopTime: parsed.stop_time,
    reason: parsed.reason,
    workerStartFailures: parsed.worker_start_failures,
  }
}

export function workerToRow(worker: Worker): WorkerRow {
  return {
    name: worker.name,
    cluster_name: worker.clusterName,
    status: worker.status,
    target: worker.target,
    attempt: jsonOrNull(worker.attempt),
    end_expected: Number(worker.endExpected),
    start_time: worker.startTime,
    stop_time: worker.stopTime,
    reason: worker.reason,
  }
}

export function workerFromRow(row: unknown): Worker {
  const parsed = parsedRow(workerRow, 'worker', row)
  return {
    name: parsed.name,
    clusterName: parsed.cluster_name,
    status: parsed.status,
    target: parsed.target,
    attempt: parsed.attempt,
    endExpected: parsed.end_expected,
    startTime: parsed.start_time,
    stopTime: parsed.stop_time,
    reason: parsed.reason,
  }
}

export function eventToRow(event: ClusterEvent): EventRow {
  return {
    id: event.id,
    cluster_name: event.clusterName,
    time: event.time,
    kind: event.kind,
    message: event.message,
    worker: event.worker,
    details: JSON.stringify(event.details),
  }
}

export function eventFromRow(row: unknown): ClusterEvent {
  const { cluster_name, ...rest } = parsedRow(eventRow, 'event', row)
  return { ...rest, clusterName: cluster_name }
}

export function sessionToRow(hash: string, session: Session): SessionRow {
  return {
    hash,
    username: session.user.name,
    groups: JSON.stringify(session.user.groups),
    admin: Number(session.user.admin),
    kind: session.kind,
    expires_at: session.expiresAt,
  }
}

export function sessionFromRow(row: unknown): {
  readonly hash: string
  readonly session: Session
} {
  const { hash, username, groups, admin, kind, expires_at } = parsedRow(sessionRow, 'session', row)
  return { hash, session: { user: { name: username, groups, admin }, kind, expiresAt: expires_at } }
}

function clusterPlaces(row: string): (column: string) => SecretPlace {
  return (column) => ({ table: 'cluster', column, row })
}

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

const json: z.ZodType<Json> = z.json()
export const flag = z.union([z.literal(0), z.literal(1)]).transform((value) => value === 1)
const status = z.enum(['created', 'submitted', 'running', 'closing', 'stopped', 'failed'])
const target = z.enum(['running', 'stopped', 'failed'])

/** A text column that holds the JSON of `inner`. */
export function jsonText<T>(inner: z.ZodType<T>) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' })
        return z.NEVER
      }
    })
    .pipe(inner)
}

/** As `jsonText`, but those that are written alike are one value: most clusters are made with the same settings. */
function sharedJson<T>(inner: z.ZodType<T>) {
  const values = new Map<string, T>()
  const parsed = jsonText(inner)
  return z.string().transform((text, context): T => {
    const known = values.get(text)
    if (known !== undefined) return known
    const { data, error } = parsed.safeParse(text)
    if (error !== undefined) {
      for (const { path, message } of error.issues)
        context.addIssue({ code: 'custom', message: [...path, message].join(': ') })
      return z.NEVER
    }
    if (values.size >= keptValues) values.clear()
    values.set(text, data)
    return data
  })
}

const keptValues = 1000

const attempt = jsonText(
  z.object({
    id: z.string(),
    createdAt: z.number(),
    handle: json.nullable(),
    runningSince: z.number().nullable(),
    endedAt: z.number().exactOptional(),
  }),
).nullable()

const command = z.union([z.string(), z.array(z.string())])
/** Those of `ClusterConfig` are always there; a backend's own settings come as it wrote them. */
const settings = z
  .object({
    scheduler_cmd: command,
    worker_cmd: command,
    environment: z.record(z.string(), z.string()),
    // Those from before there were labels have none.
    labels: z.record(z.string(), z.string()).default({}),
    worker_memory: z.number(),
    worker_cores: z.number(),
    worker_threads: z.number().nullable(),
    scheduler_memory: z.number(),
    scheduler_cores: z.number(),
    adaptive_period: z.number(),
    idle_timeout: z.number(),
    cluster_max_lifetime: z.number().default(0),
    client_timeout: z.number().default(0),
    end_warning: z.number().default(300),
    cluster_max_memory: z.number().nullable(),
    cluster_max_cores: z.number().nullable(),
    cluster_max_workers: z.number().nullable(),
    cluster_start_timeout: z.number().nullable(),
    worker_start_timeout: z.number().nullable(),
    worker_start_failure_limit: z.number().nullable(),
  })
  .catchall(json)

const clusterRow = z.object({
  name: z.string(),
  username: z.string(),
  groups: sharedJson(z.array(z.string())),
  options: sharedJson(z.record(z.string(), json)),
  settings: sharedJson(settings),
  status,
  target,
  queued: z.number().nullable(),
  count: z.number(),
  adaptive: jsonText(
    z.object({ minimum: z.number().nullable(), maximum: z.number().nullable() }),
  ).nullable(),
  attempt,
  token: z.string(),
  tls_cert: z.string(),
  tls_key: z.string(),
  dashboard_key: z.string(),
  addresses: jsonText(
    z.object({ scheduler: z.string(), dashboard: z.string().nullable(), api: z.string() }),
  ).nullable(),
  start_time: z.number(),
  ready_time: z.number().nullable(),
  end_age: z.number().nullable(),
  stop_time: z.number().nullable(),
  reason: z.string().nullable(),
  worker_start_failures: z.number(),
})

const workerRow = z.object({
  name: z.string(),
  cluster_name: z.string(),
  status,
  target,
  attempt,
  end_expected: flag,
  start_time: z.number(),
  stop_time: z.number().nullable(),
  reason: z.string().nullable(),
})

const eventRow = z.object({
  id: z.number(),
  cluster_name: z.string(),
  time: z.number(),
  kind: z.string(),
  message: z.string(),
  worker: z.string().nullable(),
  details: jsonText(z.record(z.string(), json)),
})

const sessionRow = z.object({
  hash: z.string(),
  username: z.string(),
  groups: jsonText(z.array(z.string())),
  admin: flag,
  kind: z.enum(['header', 'login']),
  expires_at: z.number(),
})

/** The values of a row are not shown in the error: they may be secret. */
export function parsedRow<T>(
  schema: z.ZodType<T>,
  table: keyof typeof keyColumns,
  row: unknown,
): T {
  const result = schema.safeParse(row)
  if (result.success) return result.data
  const key = z.looseObject({}).safeParse(row).data?.[keyColumns[table]]
  const why = result.error.issues.map((each) => `${each.path.join('.')}: ${each.message}`)
  throw new GatewayError(
    'internal',
    `The database is damaged: the ${table} "${key}" cannot be read (${why.join('; ')}). Restore the database from a backup, or move it away to begin anew.`,
  )
}

const keyColumns = {
  cluster: 'name',
  worker: 'name',
  event: 'id',
  session: 'hash',
  access_token: 'id',
  quota: 'name',
} as const

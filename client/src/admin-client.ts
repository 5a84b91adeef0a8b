import type { Connection } from './connection.ts'
import { type FollowOptions, follow } from './follow.ts'
import { followedEvents, followedLog } from './history.ts'
import type {
  AccessToken,
  AccessTokens,
  AdminHealth,
  AuditEvent,
  ClusterInfo,
  ClusterPage,
  ClusterStatus,
  Drain,
  Event,
  LogPiece,
  Quota,
  QuotaLimits,
  QuotaScope,
  Quotas,
  Usage,
  UsageKey,
  Worker,
} from './types.ts'
import { usageCalls } from './usage.ts'

export interface ClusterQuery {
  readonly status?: readonly ClusterStatus[] | undefined
  /** Part of the name, of the user's name or of the reason. */
  readonly search?: string | undefined
  /** 1 to 1,000; 100 unless said. */
  readonly limit?: number | undefined
  readonly cursor?: string | null | undefined
  /** For administrators: whose; exactly. */
  readonly user?: string | undefined
}

export interface AuditQuery {
  readonly limit?: number | undefined
  /** Only events with a smaller id. */
  readonly before?: number | undefined
  readonly user?: string | undefined
  readonly cluster?: string | undefined
}

export interface UsageQuery {
  /** The first day, `YYYY-MM-DD` (UTC); the first of the month of `to` unless said. */
  readonly from?: string | undefined
  /** The last day; today unless said. */
  readonly to?: string | undefined
  /** What sums are made for. */
  readonly by?: readonly UsageKey[] | undefined
  /** For administrators: whose; exactly. */
  readonly user?: string | undefined
}

export interface Calling {
  readonly signal?: AbortSignal | undefined
}

/** What administrators may do; everybody else gets 'forbidden'. */
export interface AdminClient {
  clusters(query?: ClusterQuery, calling?: Calling): Promise<ClusterPage>
  cluster(name: string, calling?: Calling): Promise<ClusterInfo>
  stop(name: string, calling?: Calling): Promise<void>
  clusterEvents(name: string, calling?: Calling): Promise<readonly Event[]>
  followClusterEvents(name: string, options?: FollowOptions): AsyncGenerator<Event>
  workers(name: string, calling?: Calling): Promise<readonly Worker[]>
  logs(name: string, query?: LogQuery, calling?: Calling): Promise<string>
  followLogs(name: string, query?: LogQuery, options?: FollowOptions): AsyncGenerator<LogPiece>
  /** Who did what, the newest first. */
  events(query?: AuditQuery, calling?: Calling): Promise<readonly AuditEvent[]>
  /** The last `limit`, then each as it happens. */
  followEvents(query?: AuditQuery, options?: FollowOptions): AsyncGenerator<AuditEvent>
  drain(calling?: Calling): Promise<Drain>
  /** true: no new clusters, with a message for users; false: they are taken again. */
  setDrain(draining: boolean, message?: string, calling?: Calling): Promise<Drain>
  health(calling?: Calling): Promise<AdminHealth>
  /** Access tokens, of all users or of one, the newest first. */
  tokens(user?: string, calling?: Calling): Promise<readonly AccessToken[]>
  revokeToken(id: string, calling?: Calling): Promise<void>
  /** Of all who use something, or have limits of their own. */
  quotas(calling?: Calling): Promise<Quotas>
  /** Sets limits in place of those that an administrator had set. What runs is not stopped for it. */
  setQuota(scope: QuotaScope, name: string, limits: QuotaLimits, calling?: Calling): Promise<Quota>
  /** The configuration's limits hold again; 'not-found' when no others are set. */
  unsetQuota(scope: QuotaScope, name: string, calling?: Calling): Promise<void>
  /** What everybody's clusters used; by user unless said. */
  usage(query?: UsageQuery, calling?: Calling): Promise<Usage>
  /** The same as a table (RFC 4180). */
  usageCsv(query?: UsageQuery, calling?: Calling): Promise<string>
}

export interface LogQuery {
  /** Whose log; without: the scheduler's. */
  readonly worker?: string | undefined
  /** How many lines, or how many to begin with. */
  readonly tail?: number | undefined
}

export function adminClient(connection: Connection): AdminClient {
  const base = '/api/v1/admin'
  const quotaOf = (scope: QuotaScope, name: string) =>
    `${base}/quotas/${scope}/${encodeURIComponent(name)}`
  const one = (name: string) => `${base}/clusters/${encodeURIComponent(name)}`
  return {
    clusters: (query = {}, calling = {}) =>
      connection.json(`${base}/clusters`, { query: clusterQuery(query), ...calling }),
    cluster: (name, calling = {}) => connection.json(one(name), calling),
    async stop(name, calling = {}) {
      await connection.request(one(name), { method: 'DELETE', ...calling })
    },
    async clusterEvents(name, calling = {}) {
      const { events } = await connection.json<{ readonly events: readonly Event[] }>(
        `${one(name)}/events`,
        calling,
      )
      return events
    },
    followClusterEvents: (name, options) => followedEvents(connection, one(name), 0, options),
    async workers(name, calling = {}) {
      const { workers } = await connection.json<{ readonly workers: readonly Worker[] }>(
        `${one(name)}/workers`,
        calling,
      )
      return workers
    },
    async logs(name, query = {}, calling = {}) {
      return (
        await connection.request(`${one(name)}/logs`, { query: { ...query }, ...calling })
      ).text()
    },
    followLogs: (name, query, options) => followedLog(connection, one(name), query, options),
    async events(query = {}, calling = {}) {
      const { events } = await connection.json<{ readonly events: readonly AuditEvent[] }>(
        `${base}/events`,
        { query: { ...query }, ...calling },
      )
      return events
    },
    async *followEvents(query = {}, options) {
      for await (const { data } of follow(connection, `${base}/events`, { ...query }, options))
        yield data as AuditEvent
    },
    drain: (calling = {}) => connection.json(`${base}/drain`, calling),
    setDrain: (draining, message = '', calling = {}) =>
      connection.json(`${base}/drain`, { method: 'PUT', body: { draining, message }, ...calling }),
    health: (calling = {}) => connection.json(`${base}/health`, calling),
    async tokens(user, calling = {}) {
      const query = { user }
      return (await connection.json<AccessTokens>(`${base}/tokens`, { query, ...calling })).tokens
    },
    async revokeToken(id, calling = {}) {
      const path = `${base}/tokens/${encodeURIComponent(id)}`
      await connection.request(path, { method: 'DELETE', ...calling })
    },
    quotas: (calling = {}) => connection.json(`${base}/quotas`, calling),
    setQuota: (scope, name, limits, calling = {}) =>
      connection.json(quotaOf(scope, name), { method: 'PUT', body: limits, ...calling }),
    async unsetQuota(scope, name, calling = {}) {
      await connection.request(quotaOf(scope, name), { method: 'DELETE', ...calling })
    },
    ...usageCalls(connection, `${base}/usage`),
  }
}

export function clusterQuery({ status, search, limit, cursor, user }: ClusterQuery) {
  return { status: status?.join(','), search, limit, cursor, user }
}

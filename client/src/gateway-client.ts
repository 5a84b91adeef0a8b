import {
  type AdminClient,
  adminClient,
  type Calling,
  type ClusterQuery,
  clusterQuery,
  type LogQuery,
  type UsageQuery,
} from './admin-client.ts'
import { type ConnectionOptions, connectionTo } from './connection.ts'
import { GatewayError } from './errors.ts'
import { type FollowOptions, follow } from './follow.ts'
import { followedEvents, followedLog } from './history.ts'
import type {
  AccessToken,
  AccessTokens,
  ClusterChange,
  ClusterInfo,
  ClusterPage,
  CreatedAccessToken,
  Event,
  Json,
  LogPiece,
  NewAccessToken,
  OptionField,
  Quotas,
  ScaleResult,
  Usage,
  User,
  Worker,
} from './types.ts'
import { usageCalls } from './usage.ts'
import { type WaitOptions, waitForCluster } from './wait.ts'

export type GatewayClientOptions = ConnectionOptions

/**
 * A gateway, for one user. Every method throws a `GatewayError` with a code, or the reason of the signal that it was given;
 * none waits longer than a minute but those that follow or wait by their nature.
 */
export interface GatewayClient {
  readonly address: string
  /** For administrators. */
  readonly admin: AdminClient
  version(calling?: Calling): Promise<string>
  user(calling?: Calling): Promise<User>
  /** What may be chosen for a cluster: the fields of a form. */
  options(calling?: Calling): Promise<readonly OptionField[]>
  /** Begins a cluster and resolves with its name at once. */
  create(options?: { readonly [field: string]: Json }, calling?: Calling): Promise<string>
  /** One's own clusters, ended ones too, the newest first. */
  clusters(query?: Omit<ClusterQuery, 'user'>, calling?: Calling): Promise<ClusterPage>
  cluster(name: string, calling?: Calling): Promise<ClusterInfo>
  /** Own clusters as they change, for ever. */
  watch(options?: FollowOptions): AsyncGenerator<ClusterChange>
  /** Resolves when the cluster runs; throws 'conflict' with the reason when it will not. */
  waitUntilRunning(name: string, options?: WaitOptions): Promise<ClusterInfo>
  /** Resolves when the cluster has ended. */
  waitUntilEnded(name: string, options?: WaitOptions): Promise<ClusterInfo>
  scale(name: string, count: number, calling?: Calling): Promise<ScaleResult>
  /** Lets the scheduler choose between two numbers of workers; `active` false: no more. */
  adapt(
    name: string,
    bounds?: {
      readonly minimum?: number | null
      readonly maximum?: number | null
      readonly active?: boolean
    },
    calling?: Calling,
  ): Promise<ScaleResult>
  /** Asks for its end; one that has ended, or never was, is fine. */
  stop(name: string, calling?: Calling): Promise<void>
  events(
    name: string,
    query?: { readonly after?: number; readonly limit?: number },
    calling?: Calling,
  ): Promise<readonly Event[]>
  /** All events after `after`, then each as it happens, until the cluster has ended. */
  followEvents(name: string, after?: number, options?: FollowOptions): AsyncGenerator<Event>
  workers(name: string, calling?: Calling): Promise<readonly Worker[]>
  /** The end of a log. */
  logs(name: string, query?: LogQuery, calling?: Calling): Promise<string>
  /** The end of a log, then what is added, until its process has ended. `linesOf` makes lines of it. */
  followLogs(name: string, query?: LogQuery, options?: FollowOptions): AsyncGenerator<LogPiece>
  /** One's own quota, and those of one's groups that have one. */
  quota(calling?: Calling): Promise<Quotas>
  /** Own access tokens, the newest first. */
  tokens(calling?: Calling): Promise<readonly AccessToken[]>
  createToken(token: NewAccessToken, calling?: Calling): Promise<CreatedAccessToken>
  /** With those that were made by it. */
  revokeToken(id: string, calling?: Calling): Promise<void>
  /** What own clusters used; by day unless said. */
  usage(query?: Omit<UsageQuery, 'user'>, calling?: Calling): Promise<Usage>
  /** The same as a table (RFC 4180). */
  usageCsv(query?: Omit<UsageQuery, 'user'>, calling?: Calling): Promise<string>
  /** The URL of a cluster's dashboard; null: it has none now. */
  dashboardUrl(cluster: Pick<ClusterInfo, 'dashboard_route'>): string | null
}

export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  const connection = connectionTo(options)
  const { address } = connection
  const ownTokens = '/api/v1/user/tokens'
  const old = (name: string) => `/api/v1/clusters/${encodeURIComponent(name)}`
  return {
    address,
    admin: adminClient(connection),
    async version(calling = {}) {
      return (await connection.json<{ readonly version: string }>('/api/version', calling)).version
    },
    user: (calling = {}) => connection.json('/api/v1/user', calling),
    async options(calling = {}) {
      const { cluster_options } = await connection.json<{
        readonly cluster_options: readonly OptionField[]
      }>('/api/v1/options', calling)
      return cluster_options
    },
    async create(chosen = {}, calling = {}) {
      const { name } = await connection.json<{ readonly name: string }>('/api/v1/clusters/', {
        method: 'POST',
        body: { cluster_options: chosen },
        ...calling,
      })
      return name
    },
    clusters: (query = {}, calling = {}) =>
      connection.json('/api/v1/user/clusters', { query: clusterQuery(query), ...calling }),
    cluster: (name, calling = {}) =>
      connection.json(`/api/v1/user/clusters/${encodeURIComponent(name)}`, calling),
    async *watch(followOptions) {
      const changes = follow(connection, '/api/v1/user/stream', {}, followOptions)
      for await (const { event, data } of changes) yield changeOf(event, data)
    },
    waitUntilRunning: (name, waitOptions) => untilRunning(connection, name, waitOptions),
    waitUntilEnded: (name, waitOptions) => waitForCluster(connection, name, hasEnded, waitOptions),
    scale: (name, count, calling = {}) =>
      connection.json(`${old(name)}/scale`, { method: 'POST', body: { count }, ...calling }),
    adapt: (name, bounds = {}, calling = {}) =>
      connection.json(`${old(name)}/adapt`, { method: 'POST', body: bounds, ...calling }),
    async stop(name, calling = {}) {
      await connection.request(old(name), { method: 'DELETE', ...calling })
    },
    async events(name, query = {}, calling = {}) {
      const { events } = await connection.json<{ readonly events: readonly Event[] }>(
        `${old(name)}/events`,
        { query, ...calling },
      )
      return events
    },
    followEvents: (name, after = 0, followOptions) =>
      followedEvents(connection, old(name), after, followOptions),
    async workers(name, calling = {}) {
      const { workers } = await connection.json<{ readonly workers: readonly Worker[] }>(
        `${old(name)}/workers`,
        calling,
      )
      return workers
    },
    async logs(name, query = {}, calling = {}) {
      return (
        await connection.request(`${old(name)}/logs`, { query: { ...query }, ...calling })
      ).text()
    },
    followLogs: (name, query, followOptions) =>
      followedLog(connection, old(name), query, followOptions),
    quota: (calling = {}) => connection.json('/api/v1/quota', calling),
    async tokens(calling = {}) {
      return (await connection.json<AccessTokens>(ownTokens, calling)).tokens
    },
    createToken: (token, calling = {}) =>
      connection.json(ownTokens, { method: 'POST', body: token, ...calling }),
    async revokeToken(id, calling = {}) {
      const path = `${ownTokens}/${encodeURIComponent(id)}`
      await connection.request(path, { method: 'DELETE', ...calling })
    },
    ...usageCalls(connection, '/api/v1/usage'),
    dashboardUrl: ({ dashboard_route }) =>
      dashboard_route === null ? null : `${address}${dashboard_route}`,
  }
}

function hasEnded({ status }: ClusterInfo): boolean {
  return status === 'STOPPED' || status === 'FAILED'
}

async function untilRunning(
  connection: Parameters<typeof waitForCluster>[0],
  name: string,
  options?: WaitOptions,
): Promise<ClusterInfo> {
  const cluster = await waitForCluster(connection, name, (now) => now.status !== 'PENDING', options)
  if (cluster.status === 'RUNNING') return cluster
  throw new GatewayError(
    'conflict',
    `Cluster ${name} will not run: ${cluster.reason ?? `it is ${cluster.status}`}`,
  )
}

function changeOf(event: string, data: unknown): ClusterChange {
  if (event === 'snapshot')
    return { type: 'snapshot', ...(data as { readonly clusters: readonly ClusterInfo[] }) }
  if (event === 'cluster') return { type: 'cluster', cluster: data as ClusterInfo }
  return { type: 'removed', ...(data as { readonly name: string }) }
}

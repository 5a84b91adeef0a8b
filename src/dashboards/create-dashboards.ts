import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  type DashboardTarget,
  type FindDashboard,
  GatewayError,
  type Logger,
  type User,
} from '../core/index.ts'
import { type AccessOptions, decideAccess, isHost, type Logins } from './access.ts'
import type { Client } from './client.ts'
import {
  type DashboardAuth,
  type DashboardPath,
  parseDashboardPath,
  redactPath,
} from './dashboard-path.ts'
import { forwardRequest } from './forward-request.ts'
import { forwardUpgrade, isWebSocketRequest } from './forward-upgrade.ts'
import { authorityOf, requestHeaders, securityHeaders } from './headers.ts'
import { redirect, refuse, refuseUpgrade } from './reply.ts'
import type { Upstream, UpstreamLimits } from './upstream.ts'

export interface DashboardsOptions {
  readonly findDashboard: FindDashboard
  /**
   * Whose request it is, by the session cookie or the `Authorization` header; null: nobody's. Throws a
   * GatewayError when that cannot be told now.
   */
  readonly authenticate: (request: IncomingMessage) => Promise<User | null>
  /** What a dashboard's session is bound to. */
  readonly logins: Logins
  /** Secret, random, the same after a restart. */
  readonly signingKey: Buffer
  /** The public prefix: empty, or `/a/b`. Redirects lead below it. */
  readonly prefix: string
  readonly auth: DashboardAuth
  /** A host name for dashboards alone, without a port; null: none. */
  readonly dashboardHost: string | null
  /** With `dashboardHost`: the main address with the prefix, where the login is; null: not known, so 401. */
  readonly publicUrl?: string | null
  /** Told when an administrator is let in to the dashboard of somebody else. */
  readonly onAdminVisit?: (admin: User, target: DashboardTarget, client: Client) => void
  readonly logger: Logger
  readonly now?: () => number
  readonly limits?: Partial<DashboardsLimits>
}

export interface DashboardsLimits extends UpstreamLimits {
  readonly webSocketsPerCluster: number
  readonly connectionsPerCluster: number
}

/**
 * The way to the dashboards of clusters. `api` calls it with `request.url` cut to `/clusters/…`; it answers
 * every such request itself and never throws. `close` cuts what is open.
 */
export interface Dashboards {
  handleRequest(request: IncomingMessage, response: ServerResponse, client: Client): void
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: Client): void
  /** Cuts what is still open by this login. */
  loggedOut(login: string): void
  close(): void
}

const defaultLimits: DashboardsLimits = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 300_000,
  webSocketsPerCluster: 1_000,
  connectionsPerCluster: 100,
}

export function createDashboards(given: DashboardsOptions): Dashboards {
  const options = {
    ...given,
    publicUrl: given.publicUrl ?? null,
    onAdminVisit: given.onAdminVisit ?? (() => {}),
    now: given.now ?? Date.now,
  }
  const limits = { ...defaultLimits, ...given.limits }
  const agent = new Agent({
    keepAlive: true,
    maxSockets: limits.connectionsPerCluster,
    maxFreeSockets: 32,
    timeout: 30_000,
  })
  const webSockets = new Map<string, Map<Duplex, string | null>>()

  const serve = async (request: IncomingMessage, response: ServerResponse, client: Client) => {
    const entry = await enter(request, client, options)
    if (entry.outcome === 'refused') return refuse(request, response, entry.status, entry.sentence)
    if (entry.outcome === 'redirect') return redirect(response, entry.location)
    if (!response.destroyed) forwardRequest(request, response, entry.upstream, agent, limits)
  }

  const serveUpgrade = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    client: Client,
  ) => {
    if (!isWebSocketRequest(request))
      return refuseUpgrade(socket, 400, 'Only WebSockets are opened here: GET without a body')
    const entry = await enter(request, client, options)
    if (entry.outcome === 'refused') return refuseUpgrade(socket, entry.status, entry.sentence)
    if (entry.outcome === 'redirect')
      return refuseUpgrade(socket, 401, "Open the dashboard's page first")
    if (!socket.destroyed && countIn(webSockets, entry, socket, limits))
      forwardUpgrade(socket, head, entry.upstream, limits)
  }

  const sentenceOf = (error: unknown, url: string): readonly [number, string] => {
    if (error instanceof GatewayError && error.code !== 'internal')
      return [statusOf[error.code] ?? 502, error.message]
    options.logger.error('A request for a dashboard failed', { path: redactPath(url), error })
    return [500, 'The gateway failed to serve this dashboard; its log says more']
  }

  return {
    handleRequest(request, response, client) {
      serve(request, response, client).catch((error: unknown) => {
        if (response.headersSent) response.destroy()
        else refuse(request, response, ...sentenceOf(error, request.url ?? ''))
      })
    },
    handleUpgrade(request, socket, head, client) {
      socket.on('error', () => socket.destroy())
      serveUpgrade(request, socket, head, client).catch((error: unknown) =>
        refuseUpgrade(socket, ...sentenceOf(error, request.url ?? '')),
      )
    },
    loggedOut(login) {
      for (const sockets of webSockets.values())
        for (const [socket, by] of sockets) if (by === login) socket.destroy()
    },
    close() {
      for (const sockets of webSockets.values())
        for (const socket of sockets.keys()) socket.destroy()
      agent.destroy()
    },
  }
}

const statusOf: { readonly [code: string]: number } = { forbidden: 403, unavailable: 503 }

type Entry =
  | Granted
  | { readonly outcome: 'redirect'; readonly location: string }
  | { readonly outcome: 'refused'; readonly status: number; readonly sentence: string }

interface Granted {
  readonly outcome: 'granted'
  readonly clusterName: string
  /** What ends it. */
  readonly login: string | null
  readonly upstream: Upstream
}

/** Everything that is decided before a dashboard hears of a request. */
async function enter(
  request: IncomingMessage,
  client: Client,
  options: AccessOptions & Pick<DashboardsOptions, 'findDashboard'>,
): Promise<Entry> {
  const path = parseDashboardPath(request.url ?? '')
  if (path === null) return { outcome: 'refused', status: 404, sentence: 'There is no such page' }
  const target = options.findDashboard(path.clusterName)
  if (target === null) return missing(path)
  const access = await decideAccess(request, path, target, client, options)
  if (access.outcome !== 'granted') return access
  if (target.address === null) return withoutDashboard(target)
  // Without this slash the page's relative links would lead out of the dashboard.
  if (path.rest === '' && request.method === 'GET' && request.headers.upgrade === undefined)
    return { outcome: 'redirect', location: `${baseOf(path, options)}/${path.query}` }
  const { authority } = authorityOf(target.address)
  const hasPass = options.auth !== false && path.pass !== null
  return {
    outcome: 'granted',
    clusterName: path.clusterName,
    login: access.login,
    upstream: {
      address: target.address,
      path: (path.rest || '/') + path.query,
      headers: requestHeaders(request, client, authority, hasPass),
      base: baseOf(path, options),
      securityHeaders: securityHeaders({
        sandboxed: !isHost(request, options.dashboardHost),
        // A link is made to be embedded. A login lets a person look, not whatever page that person has come upon.
        frameable: options.auth !== 'login',
      }),
    },
  }
}

function baseOf(path: DashboardPath, options: AccessOptions): string {
  const pass = path.pass === null ? '' : `/~${path.pass}`
  return `${options.prefix}/clusters/${path.clusterName}${pass}`
}

function missing(path: DashboardPath): Entry {
  return { outcome: 'refused', status: 404, sentence: `Cluster ${path.clusterName} not found` }
}

function withoutDashboard(target: DashboardTarget): Entry {
  const sentence = `Cluster ${target.clusterName} has no dashboard now: it does not run, or its scheduler has none (bokeh is not installed there)`
  return { outcome: 'refused', status: 404, sentence }
}

/** Keeps a socket in the list of its cluster while it is open; false: the list was full, and it was refused. */
function countIn(
  webSockets: Map<string, Map<Duplex, string | null>>,
  { clusterName, login }: Granted,
  socket: Duplex,
  limits: DashboardsLimits,
): boolean {
  const sockets = webSockets.get(clusterName) ?? new Map<Duplex, string | null>()
  if (sockets.size >= limits.webSocketsPerCluster) {
    const sentence = `Cluster ${clusterName} has ${sockets.size} open dashboards, which is the limit; close some`
    refuseUpgrade(socket, 503, sentence)
    return false
  }
  webSockets.set(clusterName, sockets.set(socket, login))
  socket.once('close', () => {
    sockets.delete(socket)
    if (sockets.size === 0) webSockets.delete(clusterName)
  })
  return true
}

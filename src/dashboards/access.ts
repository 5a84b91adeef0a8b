import type { IncomingMessage } from 'node:http'
import type { DashboardTarget, User } from '../core/index.ts'
import { sameSecret } from '../util/index.ts'
import type { Client } from './client.ts'
import type { DashboardAuth, DashboardPath } from './dashboard-path.ts'
import { checkSession, issueSession, type Visitor } from './session-token.ts'

/** The logins of browsers, by ids that open nothing. */
export interface Logins {
  /** That of a request's cookie; null: it has none. */
  of(request: IncomingMessage): string | null
  /** Whether it has neither ended nor run out. */
  isOpen(login: string): boolean
}

export interface AccessOptions {
  readonly authenticate: (request: IncomingMessage) => Promise<User | null>
  readonly logins: Logins
  readonly signingKey: Buffer
  readonly prefix: string
  readonly auth: DashboardAuth
  readonly dashboardHost: string | null
  readonly publicUrl: string | null
  readonly onAdminVisit: (admin: User, target: DashboardTarget, client: Client) => void
  readonly now: () => number
}

export type Access =
  /** `login`: what the right to it ends with; null: with nothing of the kind. */
  | { readonly outcome: 'granted'; readonly login: string | null }
  | { readonly outcome: 'redirect'; readonly location: string }
  | { readonly outcome: 'refused'; readonly status: 401 | 403; readonly sentence: string }

/**
 * Who may see a dashboard. The pass in the path (a session or a key) opens it by itself. Cookies alone never
 * do: with them one is given a session, by a redirect that only a browser's own navigation follows usefully
 * (a page of another origin cannot read where a redirect leads).
 */
export async function decideAccess(
  request: IncomingMessage,
  path: DashboardPath,
  target: DashboardTarget,
  client: Client,
  options: AccessOptions,
): Promise<Access> {
  const { auth, signingKey, logins, now } = options
  if (auth === false) return granted
  const session = path.pass && checkSession(path.pass, target, signingKey, now())
  if (session && !session.over && (session.login === null || logins.isOpen(session.login)))
    return { outcome: 'granted', login: session.login }
  if (auth === 'link' && path.pass !== null && sameSecret(path.pass, target.key)) return granted

  const navigates = isNavigation(request)
  const byHeader = request.headers.authorization !== undefined
  const mayRedirect = navigates || (path.pass === null && isRead(request))
  if (isOfForeignPage(request) || !(byHeader || mayRedirect)) return unauthenticated(target)
  const user = await options.authenticate(request)
  if (user === null) {
    if (!navigates) return unauthenticated(target)
    const location = loginLocation(request, path, options)
    return location === null ? unauthenticated(target) : { outcome: 'redirect', location }
  }
  const asAdmin = (session && session.visitor === 'admin') || asksAsAdmin(path.query)
  if (user.name !== target.username && !(user.admin && asAdmin)) return foreign(user, target)
  const visitor = user.name === target.username ? 'owner' : 'admin'
  if (visitor === 'admin') options.onAdminVisit(user, target, client)
  if (byHeader && !navigates) return granted
  const location = sessionLocation(request, path, target, visitor, client, options)
  return { outcome: 'redirect', location }
}

const granted: Access = { outcome: 'granted', login: null }

/** A person's browser that goes to a page, not a page's script or image. */
export function isNavigation(request: IncomingMessage): boolean {
  const { accept, 'sec-fetch-dest': destination } = request.headers
  if (request.method !== 'GET' || request.headers.upgrade !== undefined) return false
  if (!accept?.includes('text/html')) return false
  return destination === undefined || ['document', 'iframe', 'frame'].includes(String(destination))
}

/**
 * Credentials that a browser adds by itself (a remembered Basic password is not bound by SameSite) do not
 * speak for its user when a foreign page asks. A dashboard's page is foreign, being sandboxed.
 */
function isOfForeignPage(request: IncomingMessage): boolean {
  const { 'sec-fetch-site': site, origin, host } = request.headers
  if (site === 'same-origin' || site === 'none') return false
  // Browsers tell the site to https and to localhost only; the origin of WebSockets and of writes they always tell.
  if (site === undefined && (origin === undefined || isOriginOf(origin, host))) return false
  return !isNavigation(request)
}

function isOriginOf(origin: string, host: string | undefined): boolean {
  const own = `${origin.startsWith('https:') ? 'https' : 'http'}://${host ?? ''}`
  if (!URL.canParse(origin) || !URL.canParse(own)) return false
  return new URL(origin).host === new URL(own).host
}

function isRead(request: IncomingMessage): boolean {
  const { method } = request
  return request.headers.upgrade === undefined && (method === 'GET' || method === 'HEAD')
}

function asksAsAdmin(query: string): boolean {
  return new URLSearchParams(query).get('as') === 'admin'
}

/** null: the request came to the host of dashboards, and where the login is has not been told. */
function loginLocation(
  request: IncomingMessage,
  path: DashboardPath,
  options: AccessOptions,
): string | null {
  const next = `${options.prefix}/clusters/${path.clusterName}${path.rest}${path.query}`
  const login = `/login?next=${encodeURIComponent(next)}`
  if (!isHost(request, options.dashboardHost)) return options.prefix + login
  return options.publicUrl === null ? null : options.publicUrl + login
}

function sessionLocation(
  request: IncomingMessage,
  path: DashboardPath,
  target: DashboardTarget,
  visitor: Visitor,
  client: Client,
  options: AccessOptions,
): string {
  const { prefix, dashboardHost, signingKey, logins, now } = options
  // The name is another, the port by which the browser came is the same.
  const port = /:\d+$/.exec(request.headers.host ?? '')?.[0] ?? ''
  const scheme = client.secure ? 'https' : 'http'
  const origin = dashboardHost === null ? '' : `${scheme}://${dashboardHost}${port}`
  const session = issueSession(target, { visitor, login: logins.of(request) }, signingKey, now())
  const query = path.query
    .replace(/([?&])as=admin(?=&|$)/, '$1')
    .replace(/\?&/, '?')
    .replace(/[?&]$/, '')
  return `${origin}${prefix}/clusters/${path.clusterName}/~${session}${path.rest || '/'}${query}`
}

/** Whether the request was sent to this host name, by whatever port. */
export function isHost(request: IncomingMessage, name: string | null): boolean {
  const asked = request.headers.host?.replace(/:\d*$/, '').toLowerCase()
  return name !== null && asked === name.toLowerCase()
}

function unauthenticated(target: DashboardTarget): Access {
  const sentence = `Log in to see the dashboard of cluster ${target.clusterName}: open its page in the browser, or send the Authorization header`
  return { outcome: 'refused', status: 401, sentence }
}

function foreign(user: User, target: DashboardTarget): Access {
  const hint = user.admin ? '; administrators add ?as=admin to its address' : ''
  const sentence = `User ${user.name} lacks permissions to view the dashboard of cluster ${target.clusterName}${hint}`
  return { outcome: 'refused', status: 403, sentence }
}

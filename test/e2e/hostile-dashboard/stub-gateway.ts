import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { DashboardTarget } from '../../../src/core/index.ts'
import { createDashboards, type Dashboards } from '../../../src/dashboards/index.ts'
import {
  authenticateByName,
  cookieName,
  dashboardKey,
  noLogins,
  quiet,
} from '../../support/fake-dashboard.ts'
import { sendHostilePage } from './pages.ts'

/** What reached the stub itself: its API, its logins and logouts. */
export interface StubCall {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** With the visitor's cookie. */
  readonly loggedIn: boolean
}

export interface StubOptions {
  /** Addresses of dashboards by the names of clusters, which are all alice's. */
  readonly addresses: { readonly [name: string]: string }
  readonly auth: 'login' | 'link'
  /** What the hostile pages below `/unsafe/` know: the name of another cluster. */
  readonly other: string
}

/**
 * The gateway around the handler of dashboards, below `/pre`: a login that takes everybody for alice, an API that
 * trusts the cookie, and no other defence. `root` is an administrator.
 */
export function createStubGateway({ addresses, auth, other }: StubOptions) {
  const calls: StubCall[] = []
  const client = { address: '127.0.0.1', secure: false }
  const dashboards: Dashboards = createDashboards({
    findDashboard: (name): DashboardTarget | null =>
      addresses[name] === undefined
        ? null
        : { clusterName: name, username: 'alice', address: addresses[name], key: dashboardKey },
    authenticate: authenticateByName,
    logins: noLogins,
    signingKey: Buffer.alloc(32, 1),
    prefix: '/pre',
    auth,
    dashboardHost: null,
    logger: quiet,
  })
  const record = (url: string, request: IncomingMessage) => {
    const loggedIn = request.headers.cookie?.includes(`${cookieName}=`) ?? false
    calls.push({ method: request.method ?? '', url, headers: request.headers, loggedIn })
    return loggedIn
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/pre/, '')
    if (path.startsWith('/clusters/')) {
      request.url = path
      return dashboards.handleRequest(request, response, client)
    }
    if (path === '/favicon.ico') return void response.writeHead(204).end()
    if (path.startsWith('/unsafe/'))
      return sendHostilePage(request, withoutSandbox(response), { other, waitMs: 10_000 })
    if (path === '/home') return sendHome(response)
    if (path.startsWith('/login') && request.method === 'GET') return logIn(path, response)
    const loggedIn = record(path, request)
    response.writeHead(loggedIn ? 200 : 401, { 'Content-Type': 'text/plain' })
    response.end(loggedIn ? 'secret' : 'log in')
  })
  server.on('upgrade', (request, socket, head) => {
    const path = (request.url ?? '').replace(/^\/pre/, '')
    request.url = path
    if (path.startsWith('/clusters/'))
      return dashboards.handleUpgrade(request, socket, head, client)
    record(path, request)
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  return { server, calls, close: () => dashboards.close() }
}

function logIn(path: string, response: ServerResponse): void {
  const next = new URL(path, 'http://x').searchParams.get('next') ?? '/'
  const cookie = `${cookieName}=alice; HttpOnly; SameSite=Lax; Path=/pre/`
  response.writeHead(302, { Location: next, 'Set-Cookie': cookie }).end()
}

/** A page of the gateway's own origin. */
function sendHome(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/html' })
  response.end(`<!doctype html><title>home</title>secret${embeddingScript}`)
}

/** Keeps what pages that it frames or opens say to it. */
export const embeddingScript = `<script>
  var told = []
  addEventListener('message', ({ data, origin }) => told.push({ origin, ...data }))
</script>`

/** The same hostile page without what the handler takes away and adds. */
function withoutSandbox(response: ServerResponse): ServerResponse {
  const writeHead = response.writeHead.bind(response)
  response.writeHead = ((status: number, { ...headers }: Record<string, string>) => {
    delete headers['Content-Security-Policy']
    return writeHead(status, headers)
  }) as typeof response.writeHead
  return response
}

import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { DashboardTarget, Logger, User } from '../../src/core/index.ts'
import { createDashboards, type DashboardsOptions } from '../../src/dashboards/create-dashboards.ts'

/** Names and people of the tests. */
export const clusterName = 'a'.repeat(32)
export const otherName = 'b'.repeat(32)
export const dashboardKey = 'c'.repeat(64)
export const cookieName = 'dask-gateway-test'

export const quiet: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => quiet,
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export function targetAt(address: string | null, name = clusterName): DashboardTarget {
  return { clusterName: name, username: 'alice', address, key: dashboardKey }
}

/** The session cookie's value, or the user of `Authorization: user NAME`, is the user's name. */
export async function authenticateByName(request: IncomingMessage): Promise<User | null> {
  const cookie = new RegExp(`\\b${cookieName}=(\\w+)`).exec(request.headers.cookie ?? '')?.[1]
  const name = cookie ?? /^user (\w+)$/.exec(request.headers.authorization ?? '')?.[1]
  return name === undefined ? null : { name, groups: [], admin: name === 'root' }
}

/** Nobody's cookie is a login's. */
export const noLogins = { of: () => null, isOpen: () => true }

/** A dashboard of somebody's and the gateway's handler before it, on real sockets. */
export async function startBoth(
  dashboard: Server | RequestListener,
  options: Partial<DashboardsOptions> = {},
) {
  const inner = typeof dashboard === 'function' ? createServer(dashboard) : dashboard
  const target = targetAt(await listen(inner))
  const dashboards = createDashboards({
    findDashboard: (name) => (name === clusterName ? target : null),
    authenticate: authenticateByName,
    logins: noLogins,
    signingKey: Buffer.alloc(32, 7),
    prefix: '/pre',
    auth: false,
    dashboardHost: null,
    logger: quiet,
    ...options,
  })
  const client = { address: '192.0.2.7', secure: false }
  const outer = createServer((request, response) =>
    dashboards.handleRequest(request, response, client),
  )
  outer.on('upgrade', (request, socket, head) =>
    dashboards.handleUpgrade(request, socket, head, client),
  )
  const url = await listen(outer)
  // `closeAllConnections` forgets sockets that were upgraded.
  const sockets = new Set<Socket>()
  for (const server of [outer, inner])
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
  return {
    url,
    target,
    dashboards,
    inner,
    async [Symbol.asyncDispose]() {
      dashboards.close()
      for (const socket of sockets) socket.destroy()
      for (const server of [outer, inner]) await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Sends bytes as they are and gives all that comes back until the other side ends. */
export async function exchange(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in 10 s')))
  socket.write(bytes, 'latin1')
  return text(socket)
}

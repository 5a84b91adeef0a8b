import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { GatewayError, type HostPort, messageOf } from '../core/index.ts'
import { encodeProxyHeader } from '../util/index.ts'
import { connectTo, prepare, type Target } from './connect.ts'
import { readFirstBytes } from './first-bytes.ts'
import { createGatewayDoor } from './gateway-door.ts'
import { boundedWarnings, type Log } from './log.ts'
import { pump } from './pump.ts'
import { createMover, type Mover } from './splice-mover.ts'
import { createTunnels, type Tunnels } from './tunnels.ts'

export const proxyLimits = {
  /** To say what a connection is. */
  helloMs: 10_000,
  connectMs: 10_000,
  /**
   * Connections of one address that have not said yet what they are: more, and the oldest goes. Tunnels and HTTP are never
   * counted by address.
   */
  maxSilentPerAddress: 1_000,
  maxTunnelsPerCluster: 10_000,
  /** Tunnels that the kernel moves; with readers that sleep, each needs four descriptors for pipes. */
  maxSpliced: Math.floor((openFilesLimit() - 40) / 40),
  /** In all. Each needs a second descriptor, to its target: taking more than that would serve nobody. */
  maxConnections: Math.max(1, Math.floor(((openFilesLimit() - 40) * 0.9) / 2)),
  gatewayWaitMs: 15_000,
  maxWaiting: 1_000,
  gatewayRetryMs: 200,
  removedGraceMs: 1_000,
  /** While not all routes are known, for the one of a tunnel. */
  routesWaitMs: 10_000,
}
export type ProxyLimits = typeof proxyLimits

export interface ProxyOptions {
  readonly address: HostPort
  /** null: tunnels come in at `address` too. */
  readonly tcpAddress: HostPort | null
  /** Where everything goes that is no tunnel, each connection behind a PROXY header. */
  readonly gateway: Target
  readonly log: Log
  readonly limits?: Partial<ProxyLimits>
}

export interface RunningProxy {
  /** As they really are: a port 0 is replaced. */
  readonly address: HostPort
  readonly tcpAddress: HostPort | null
  /** Empty at first: who starts the proxy keeps it up to date. */
  readonly tunnels: Tunnels
  /** Ends the listeners and every connection. */
  readonly stop: () => Promise<void>
}

type Takes = 'both' | 'tunnels' | 'http'

/** Opens the public listener; it knows no routes yet. Throws 'configuration' when an address cannot be had. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const limits = { ...proxyLimits, ...options.limits }
  const tunnels = createTunnels({
    graceMs: limits.removedGraceMs,
    routesWaitMs: limits.routesWaitMs,
    maxWaiting: limits.maxWaiting,
    maxPerCluster: limits.maxTunnelsPerCluster,
  })
  const door = createGatewayDoor({
    connect: (limitMs) => connectTo(options.gateway, limitMs),
    connectMs: limits.connectMs,
    waitMs: limits.gatewayWaitMs,
    maxWaiting: limits.maxWaiting,
    retryMs: limits.gatewayRetryMs,
  })
  const context: Context = {
    limits,
    tunnels,
    door,
    warn: boundedWarnings(options.log),
    mover: createMover({ maxPairs: limits.maxSpliced, log: options.log }),
    connections: new Set(),
    silent: new Map(),
  }
  const { tcpAddress } = options
  const main = await listen(options.address, 'Proxy.address', context, tcpAddress ? 'http' : 'both')
  const servers = [main]
  if (tcpAddress !== null)
    try {
      servers.push(await listen(tcpAddress, 'Proxy.tcp_address', context, 'tunnels'))
    } catch (error) {
      main.close()
      throw error
    }
  const actual = (wanted: HostPort, server: Server | undefined): HostPort => {
    const bound = server?.address()
    return typeof bound === 'object' && bound !== null ? { ...wanted, port: bound.port } : wanted
  }
  return {
    address: actual(options.address, main),
    tcpAddress: tcpAddress === null ? null : actual(tcpAddress, servers[1]),
    tunnels,
    async stop() {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
      tunnels.stop()
      door.stop()
      for (const connection of context.connections) connection.cut()
      context.mover.stop()
      await Promise.all(closed)
    },
  }
}

interface Context {
  readonly limits: ProxyLimits
  readonly tunnels: Tunnels
  readonly door: ReturnType<typeof createGatewayDoor>
  readonly warn: ReturnType<typeof boundedWarnings>
  readonly mover: Mover
  readonly connections: Set<Connection>
  readonly silent: Map<string, Set<Socket>>
}

/** One that was accepted. */
interface Connection {
  readonly socket: Socket
  /** Ends it, and its way to a target. */
  cut: () => void
}

function listen(
  address: HostPort,
  settingName: string,
  context: Context,
  takes: Takes,
): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  server.on('connection', (socket) => {
    void serve(socket, takes, context)
  })
  const refuse = (cause: NodeJS.ErrnoException) =>
    reject(new GatewayError('configuration', refusal(address, settingName, cause), { cause }))
  server.once('error', refuse)
  const at = address.host === '' ? {} : { host: address.host }
  server.listen({ ...at, port: address.port, backlog: 4096 }, () => {
    server.off('error', refuse)
    // EMFILE and the like: this connection is lost, the next may do.
    server.on('error', (error) =>
      context.warn('A connection cannot be accepted', { reason: messageOf(error) }),
    )
    resolve(server)
  })
  return promise
}

function refusal({ host, port }: HostPort, settingName: string, cause: NodeJS.ErrnoException) {
  const shown = `${settingName} = "${host.includes(':') ? `[${host}]` : host}:${port}"`
  switch (cause.code) {
    case 'EADDRINUSE':
      return `${shown}: the port is in use. Stop what uses it, or set another ${settingName}.`
    case 'EACCES':
      return `${shown}: this user may not listen there. Set a port of 1024 or above, or give the right (CAP_NET_BIND_SERVICE).`
    default:
      return `${shown}: cannot listen there: ${cause.message}. Set another ${settingName}.`
  }
}

/** Node raises the soft limit to the hard one when it starts. */
function openFilesLimit(): number {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return Number(limit ?? 65_536)
  } catch {
    return 1_024
  }
}

/** A whole connection, from its first byte to its end. Never rejects: what goes wrong closes it. */
async function serve(socket: Socket, takes: Takes, context: Context): Promise<void> {
  prepare(socket)
  if (context.connections.size >= context.limits.maxConnections) {
    context.warn('Too many connections; raise the limit of open files (ulimit -n)')
    return void socket.destroy()
  }
  const connection: Connection = { socket, cut: () => void socket.destroy() }
  context.connections.add(connection)
  try {
    await serveAccepted(connection, takes, context)
  } finally {
    context.connections.delete(connection)
    socket.destroy()
  }
}

async function serveAccepted(connection: Connection, takes: Takes, context: Context) {
  const { socket } = connection
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (!remoteAddress || !remotePort || !localAddress || !localPort) return
  const first = await countedSilence(socket, remoteAddress, context, () =>
    readFirstBytes(socket, context.limits.helloMs, takes === 'http'),
  )
  if (first?.kind === 'refused')
    context.warn('A hello was refused', { address: remoteAddress, reason: first.reason })
  if (first?.kind === 'tunnel')
    await serveTunnel(connection, first.clusterName, first.head, context)
  else if (first?.kind === 'other' && takes !== 'tunnels') {
    const target = await context.door.open()
    if (target === null) return context.warn('The gateway is away; a connection was closed')
    const header = encodeProxyHeader({
      source: { address: remoteAddress, port: remotePort },
      destination: { address: localAddress, port: localPort },
    })
    await pass(connection, target, Buffer.concat([header, first.head]), pump)
  }
}

/**
 * Runs `read`. When this address has too many connections already that said nothing, the oldest of them is closed: whoever
 * speaks at once is served beside any number of those who do not.
 */
async function countedSilence<T>(
  socket: Socket,
  address: string,
  { silent, limits, warn }: Context,
  read: () => Promise<T>,
): Promise<T> {
  const ofAddress = silent.get(address) ?? new Set()
  silent.set(address, ofAddress)
  for (const oldest of ofAddress) {
    if (ofAddress.size < limits.maxSilentPerAddress) break
    warn('Too many connections of one address have said nothing', { address })
    ofAddress.delete(oldest)
    oldest.destroy()
  }
  ofAddress.add(socket)
  const result = await read()
  ofAddress.delete(socket)
  if (ofAddress.size === 0 && silent.get(address) === ofAddress) silent.delete(address)
  return result
}

async function serveTunnel(connection: Connection, name: string, head: Buffer, context: Context) {
  const { tunnels, limits, warn, mover } = context
  const route = await tunnels.find(name)
  if (route === null) return warn('A tunnel to an unknown cluster was refused')
  const removed = tunnels.add(name, () => connection.cut())
  if (removed === null)
    return warn('A cluster has too many tunnels', { cluster: route.clusterName })
  try {
    const target = await connectTo(route, limits.connectMs)
    await pass(connection, target, head, mover.pump)
  } catch (error) {
    warn('A scheduler cannot be reached', {
      cluster: route.clusterName,
      reason: messageOf(error),
    })
  } finally {
    removed()
  }
}

async function pass(connection: Connection, target: Socket, head: Buffer, move: Mover['pump']) {
  target.write(head)
  const { done, cut } = move(connection.socket, target)
  connection.cut = cut
  await done
}

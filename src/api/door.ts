import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { GatewayError, type HostPort, messageOf } from '../core/index.ts'

/**
 * A listening socket. It may be opened before there is anything to serve (its port is needed by then): connections
 * wait until `serve` says who takes them.
 */
export interface Door {
  /** The port it listens on; null: a unix socket. */
  readonly port: number | null
  serve(take: (socket: Socket) => void): void
  /** No new connections. */
  stopAccepting(): void
  /** Ends every connection that came by it, whatever became of it. */
  cutAll(): void
}

// Descriptors are shared with everything else the gateway does.
const maxConnections = 20_000

/** The proxy's way in: a unix socket (0600) in a directory of ours (0700). A dead gateway's socket file is replaced. */
export async function openSocketDoor(path: string): Promise<Door> {
  // sockaddr_un holds 108 bytes with the final zero, and Linux cuts longer paths in silence.
  if (Buffer.byteLength(path) > 107) {
    throw new GatewayError(
      'configuration',
      `The proxy's socket ${path} is longer than the 107 bytes of a socket's path: use a shorter state directory.`,
    )
  }
  await ownDirectory(dirname(path))
  await removeStale(path)
  const door = createDoor()
  await listening(door.server, `the proxy's socket ${path}`, (server) => server.listen(path))
  await chmod(path, 0o600)
  return door
}

/** `DaskGateway.address`. Port 0 chooses one. */
export async function openTcpDoor(address: HostPort): Promise<Door> {
  // Without a host, node:net takes all addresses, of IPv6 too where the machine has it.
  const host = address.host === '' ? {} : { host: address.host }
  const door = createDoor()
  await listening(door.server, `${address.host}:${address.port} (DaskGateway.address)`, (server) =>
    server.listen({ ...host, port: address.port }),
  )
  return door
}

function createDoor(): Door & { readonly server: Server } {
  const sockets = new Set<Socket>()
  let take: ((socket: Socket) => void) | null = null
  // Half-open: a client may end its side and still wait for its answer, as with node:http's own server.
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
  server.maxConnections = maxConnections
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whoever reads the socket sees the error too; a connection that breaks is no event of ours.
    socket.on('error', () => socket.destroy())
    if (take !== null) hand(socket, take)
  })
  return {
    server,
    get port() {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : null
    },
    serve(taker) {
      take = taker
      for (const socket of sockets) hand(socket, taker)
    },
    stopAccepting: () => void server.close(),
    cutAll() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function hand(socket: Socket, take: (socket: Socket) => void): void {
  take(socket)
  socket.resume()
}

async function listening(
  server: Server,
  where: string,
  listen: (server: Server) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('listening', resolve)
  server.once('error', reject)
  listen(server)
  try {
    await promise
  } catch (cause) {
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const why = inUse ? 'another program listens there' : messageOf(cause)
    throw new GatewayError('configuration', `Cannot listen on ${where}: ${why}.`, { cause })
  } finally {
    server.off('error', reject)
  }
  // After that, an error is one of accept (no descriptors left): the connection waits in the backlog.
  server.on('error', () => {})
}

async function ownDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const found = await lstat(directory)
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new GatewayError(
      'configuration',
      `The directory ${directory} of the proxy's socket belongs to somebody else: remove it, or choose another.`,
    )
  }
  if ((found.mode & 0o077) !== 0) await chmod(directory, 0o700)
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return
  if (!found.isSocket()) {
    throw new GatewayError(
      'configuration',
      `${path} is no socket: it is in the way of the proxy's.`,
    )
  }
  if (await answers(path)) {
    throw new GatewayError('configuration', `Another gateway listens on ${path}.`)
  }
  await unlink(path)
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = connect(path)
  probe.once('connect', () => resolve(true))
  probe.once('error', () => resolve(false))
  probe.setTimeout(2000, () => resolve(true))
  try {
    return await promise
  } finally {
    probe.destroy()
  }
}

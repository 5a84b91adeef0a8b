import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createLogger } from '../util/index.ts'
import { type ProxyOptions, startProxy } from './start-proxy.ts'

export const log = createLogger({ level: 'critical', format: 'text', write: () => {} })
export const local = { host: '127.0.0.1', port: 0 }

/** A server on a free port, or on a path; gone at the end of the test. */
export async function listening(t: TestContext, server: Server, path?: string): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}))
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'proxy-test-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

export async function proxy(t: TestContext, options: Partial<ProxyOptions> = {}) {
  const directory = await temporaryDirectory(t)
  const socketPath = join(directory, 'gateway.sock')
  const running = await startProxy({
    address: local,
    tcpAddress: null,
    gateway: { path: socketPath },
    log,
    ...options,
  })
  t.after(() => running.stop())
  running.tunnels.upToDate(true)
  const route = (clusterName: string, port: number) =>
    running.tunnels.put({ clusterName, host: '127.0.0.1', port })
  return { ...running, port: running.address.port, socketPath, route }
}

export function dial(t: TestContext, port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true }).on('error', () => {})
  t.after(() => socket.destroy())
  return socket
}

/** All bytes up to the end of what the other side says. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await Promise.race([once(socket, 'end'), once(socket, 'close')])
  return Buffer.concat(chunks)
}

export async function closed(socket: Socket): Promise<Buffer> {
  const bytes = readAll(socket.on('end', () => socket.end()))
  if (socket.readableEnded) socket.end()
  if (!socket.closed) await once(socket, 'close')
  return socket.bytesRead === 0 ? Buffer.alloc(0) : bytes
}

/** A ClientHello for this name, as node:tls sends it. */
export async function helloFor(t: TestContext, servername: string): Promise<Buffer> {
  const server = createServer()
  const port = await listening(t, server)
  const client = connectTls({ host: '127.0.0.1', port, servername }).on('error', () => {})
  t.after(() => client.destroy())
  const [socket] = await once(server, 'connection')
  const [hello] = await once(socket, 'data')
  return hello
}

/** A scheduler that speaks plain TCP: it keeps its connections for the test to use. */
export async function scheduler(t: TestContext) {
  const server = createServer({ allowHalfOpen: true })
  const port = await listening(t, server)
  return { port, connection: async (): Promise<Socket> => (await once(server, 'connection'))[0] }
}

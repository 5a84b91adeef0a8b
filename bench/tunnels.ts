import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { waitFor } from '../test/fakes/wait-for.ts'
import { freePort } from '../test/support/free-port.ts'
import { type Bench, oldPython } from './bench.ts'
import { clustersOf, recordedDirectory } from './records.ts'
import { type Server, startServer } from './servers.ts'

const peer = join(import.meta.dirname, 'tunnel_peer.py')

/** Something that passes tunnels on. */
export interface Passer {
  readonly port: number
  /** A cluster that it knows. */
  readonly clusterName: string
  processes(): readonly number[]
  /** null: no gateway. */
  readonly server: Server | null
}

/** The old server, ours and HAProxy, all with a route to the same target. */
export async function startPassers(bench: Bench) {
  const schedulerPort = await startTarget(bench)
  const clusters = clustersOf('tunnels', 1)
  const clusterName = clusters[0]?.name ?? ''
  const gateway = async (kind: 'old' | 'ours'): Promise<Passer> => {
    const reported = { schedulerPort, dashboardPort: schedulerPort }
    const directory = await recordedDirectory(bench, kind, clusters, reported)
    const server = await startServer(bench, kind, { backend: 'idle', directory })
    await untilRoute(bench, server.port, clusterName)
    return { port: server.port, clusterName, processes: server.proxyProcesses, server }
  }
  const old = await gateway('old')
  const ours = await gateway('ours')
  return { old, ours, haproxy: await startHaproxy(bench, schedulerPort, clusterName) }
}

/** Where all tunnels lead: any number of connections, apart from what is measured. */
export async function startTarget(bench: Bench): Promise<number> {
  const child = spawn(oldPython, [peer, 'target'], { stdio: ['pipe', 'pipe', 'inherit'] })
  bench.atEnd(() => ended(child))
  return Number(await firstLine(child))
}

/** Runs one of the peer's modes through a proxy; see tunnel_peer.py. */
export async function runPeer(
  bench: Bench,
  mode: 'echo' | 'connect' | 'down' | 'up',
  passer: Pick<Passer, 'port' | 'clusterName'>,
  count: number,
): Promise<{ readonly [figure: string]: number }> {
  const parameters = [peer, mode, String(passer.port), passer.clusterName, String(count)]
  const options = { timeout: 120_000, signal: bench.signal }
  const { stdout } = await promisify(execFile)(oldPython, parameters, options)
  return JSON.parse(stdout)
}

/** Holds idle tunnels while `act` runs. */
export async function withIdleTunnels<T>(
  bench: Bench,
  passer: Passer,
  count: number,
  act: () => T,
): Promise<T> {
  const parameters = [peer, 'idle', String(passer.port), passer.clusterName, String(count)]
  const child = spawn(oldPython, parameters, { stdio: ['pipe', 'pipe', 'inherit'] })
  bench.atEnd(() => ended(child))
  try {
    await firstLine(child)
    return act()
  } finally {
    await ended(child)
  }
}

/** Waits until a tunnel to this cluster answers. */
export async function untilRoute(bench: Bench, port: number, clusterName: string): Promise<void> {
  const greeting = await helloFor(clusterName)
  const look = () => {
    bench.signal.throwIfAborted()
    return isOpen(port, greeting)
  }
  await waitFor(`a route to ${clusterName}`, look, 180_000)
}

async function helloFor(name: string): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(oldPython, [peer, 'hello', name])
  return Buffer.from(stdout.trim(), 'hex')
}

function isOpen(port: number, greeting: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(Buffer.concat([greeting, Buffer.from('e.')]))
    })
    const settle = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.setTimeout(5_000, () => settle(false))
    socket.on('data', () => settle(true))
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
  })
}

async function startHaproxy(
  bench: Bench,
  targetPort: number,
  clusterName: string,
): Promise<Passer> {
  const port = await freePort()
  const file = join(bench.directory('haproxy'), 'haproxy.cfg')
  const lines = [
    'global',
    '  maxconn 5000',
    '  nbthread 1',
    'defaults',
    '  mode tcp',
    '  timeout connect 10s',
    '  timeout client 1h',
    '  timeout server 1h',
    'frontend public',
    `  bind 127.0.0.1:${port}`,
    '  tcp-request inspect-delay 10s',
    '  tcp-request content accept if { req.ssl_hello_type 1 }',
    `  use_backend scheduler if { req.ssl_sni daskgateway-${clusterName} }`,
    'backend scheduler',
    `  server scheduler 127.0.0.1:${targetPort}`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: 'inherit' })
  bench.atEnd(() => ended(child))
  await untilRoute(bench, port, clusterName)
  return { port, clusterName, processes: () => [child.pid ?? 0], server: null }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the output is not read')
  const exited = once(child, 'exit').then(() => {
    throw new Error('a tunnel peer ended')
  })
  exited.catch(() => {})
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), exited])
  return String(line)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

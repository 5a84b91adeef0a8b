import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../test/fakes/wait-for.ts'
import { ask } from '../test/support/ask.ts'
import { freePort } from '../test/support/free-port.ts'
import { type Bench, benchPrograms, daskPython, oldPython, root } from './bench.ts'
import { commandOf, treeOf } from './processes.ts'

export type Kind = 'old' | 'ours'
export const kinds: readonly Kind[] = ['old', 'ours']

/** A gateway that runs, with its proxy. */
export interface Server {
  readonly kind: Kind
  readonly directory: string
  readonly host: '127.0.0.1'
  /** Of the public address. */
  readonly port: number
  readonly url: string
  /** Where its schedulers report, by its own default. */
  readonly schedulersUrl: string
  /** From the command to the first answer to a user. */
  readonly startMs: number
  /** All processes but those of clusters. */
  processes(): readonly number[]
  proxyProcesses(): readonly number[]
  stop(): Promise<void>
}

export interface ServerOptions {
  /** `idle`: clusters are records only, nothing is started for them. */
  readonly backend: 'idle' | 'local'
  readonly directory: string
  /** More lines of the Python configuration. */
  readonly config?: string
}

const encryptKey = Buffer.alloc(32, 'bench').toString('base64')
export const databaseKey = encryptKey
export const databaseOf = (directory: string) => join(directory, 'records.sqlite')

/** Starts both, each in a new directory. */
export async function startBoth(
  bench: Bench,
  options: Omit<ServerOptions, 'directory'>,
): Promise<{ readonly [kind in Kind]: Server }> {
  const start = (kind: Kind) =>
    startServer(bench, kind, { ...options, directory: bench.directory(kind) })
  return { old: await start('old'), ours: await start('ours') }
}

/** Starts one and waits until it answers. Records are in a file with encrypted secrets in both, so they are equally durable. */
export async function startServer(
  bench: Bench,
  kind: Kind,
  options: ServerOptions,
): Promise<Server> {
  const { directory } = options
  const [port, privatePort] = [await freePort(), await freePort()]
  const file = join(directory, 'config.py')
  writeFileSync(file, configuration(kind, port, privatePort, options))
  const log = openSync(join(directory, 'log'), 'a')
  const startedAt = performance.now()
  const child = spawn(join(root, 'test/e2e/as-nobody'), commandFor(kind, options.backend, file), {
    cwd: directory,
    stdio: ['ignore', log, log],
    env: {
      PATH: `${dirname(daskPython)}:/usr/bin:/bin`,
      LANG: 'C.UTF-8',
      HOME: directory,
      TMPDIR: directory,
    },
  })
  const stop = () => stopTree(child)
  bench.atEnd(stop)
  await answers(port, child, () => readFileSync(join(directory, 'log'), 'utf8'), bench.signal)
  const url = `http://127.0.0.1:${port}`
  // Clusters' processes are children too, but neither Node nor the server's own Python.
  const processes = () => treeOf(child.pid ?? 0).filter((pid) => isServers(commandOf(pid)))
  return {
    kind,
    directory,
    host: '127.0.0.1',
    port,
    url,
    schedulersUrl: kind === 'ours' ? `http://127.0.0.1:${privatePort}/api` : `${url}/api`,
    startMs: performance.now() - startedAt,
    processes,
    proxyProcesses: () => processes().filter((pid) => isProxy(commandOf(pid))),
    stop,
  }
}

function configuration(
  kind: Kind,
  port: number,
  privatePort: number,
  { directory, backend, config = '' }: ServerOptions,
): string {
  const local =
    'c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"'
  const idle = readFileSync(join(import.meta.dirname, 'idle_backend.py'), 'utf8')
  return `${[
    kind === 'old' && backend === 'idle' ? idle : local,
    `c.Proxy.address = "127.0.0.1:${port}"`,
    `c.DaskGateway.address = "127.0.0.1:${privatePort}"`,
    `c.DBBackendBase.db_url = "sqlite:///${databaseOf(directory)}"`,
    `c.DBBackendBase.db_encrypt_keys = ["${encryptKey}"]`,
    'c.DBBackendBase.stop_clusters_on_shutdown = False',
    'c.DBBackendBase.cluster_start_timeout = 86400',
    'c.DBBackendBase.cluster_heartbeat_timeout = 86400',
    `c.UnsafeLocalBackend.clusters_directory = "${directory}"`,
    // The old server's defaults name programs that Dask no longer has.
    'c.ClusterConfig.scheduler_cmd = ["dask", "scheduler"]',
    'c.ClusterConfig.worker_cmd = ["dask", "worker"]',
    config,
  ].join('\n')}\n`
}

function commandFor(kind: Kind, backend: 'idle' | 'local', file: string): readonly string[] {
  if (kind === 'old') return [join(dirname(oldPython), 'dask-gateway-server'), '-f', file]
  const command =
    backend === 'local'
      ? [join(root, 'bin/dask-gateway-server')]
      : // As bin/dask-gateway-server does it.
        [process.execPath, '--max-semi-space-size=4', join(benchPrograms, 'cli/idle-gateway.js')]
  return [...command, '-f', file]
}

const isProxy = (command: string) => /dask-gateway-proxy|managed-proxy/.test(command)
const isServers = (command: string) =>
  isProxy(command) ||
  /dask-gateway-server|idle-gateway|cli\/main|evaluator|python_config/.test(command)

async function answers(
  port: number,
  child: ChildProcess,
  log: () => string,
  signal: AbortSignal,
): Promise<void> {
  const look = async () => {
    signal.throwIfAborted()
    if (child.exitCode !== null) throw new Error('the server ended')
    const answer = await ask(`http://127.0.0.1:${port}/api/version`).catch(() => null)
    return answer?.status === 200
  }
  await waitFor('the server to answer', look, 180_000).catch((error: Error) => {
    throw new Error(`${error.message}:\n${log().slice(-4000)}`)
  })
}

/** SIGTERM, and after half a minute SIGKILL, also for what it has left behind. */
async function stopTree(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const tree = treeOf(child.pid ?? 0)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await Promise.race([ended, delay(30_000, undefined, { ref: false })])
  for (const pid of tree)
    try {
      if (commandOf(pid) !== '') process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  await ended
}

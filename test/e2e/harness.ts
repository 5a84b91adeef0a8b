import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'
import { ask } from '../support/ask.ts'

export { type Answer, ask } from '../support/ask.ts'
export { freePort } from '../support/free-port.ts'

/** The clone. */
export const root = resolve(import.meta.dirname, '../..')

/** A Python with the unmodified client, dask, distributed, bokeh, pandas and pyarrow. */
export const python = process.env.DASK_GATEWAY_TEST_PYTHON ?? join(root, '.venv/bin/python')

const nobody = 65534
const isRoot = process.getuid?.() === 0

/** A directory that the gateway may write, and all that a test leaves. `remove` takes it away. */
export function workingDirectory(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `${name}-`))
  chmodSync(path, 0o755)
  if (isRoot) chownSync(path, nobody, nobody)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A directory that the gateway may write. */
export function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true })
  if (isRoot) chownSync(path, nobody, nobody)
}

export interface GatewayOptions {
  readonly directory: string
  readonly port: number
  /** More lines of the Python configuration. */
  readonly config?: string
  readonly arguments?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Proxy.prefix. */
  readonly prefix?: string
  /** The certificate (PEM) that its HTTPS is to be trusted by; the configuration sets the files. */
  readonly ca?: string
  /** Do not wait until it is ready. */
  readonly wait?: boolean
  /** What runs the command; by default it runs as nobody when the tests run as root. */
  readonly by?: readonly string[]
}

export interface RunningGateway {
  readonly process: ChildProcess
  readonly address: string
  readonly pid: number
  /** Everything it has printed. */
  log(): string
  /** Resolves with the exit status (or signal) when it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, then waits for the end. */
  stop(): Promise<number | NodeJS.Signals>
  kill(): Promise<void>
}

/** Starts `bin/dask-gateway-server` on 127.0.0.1, as nobody when the tests run as root. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { prefix = '', ca } = options
  writeConfiguration(options)
  const gateway = startCommand([], 'gateway', {
    ...options,
    address: `${ca === undefined ? 'http' : 'https'}://127.0.0.1:${options.port}${prefix}`,
  })
  if (options.wait !== false) await ready(gateway, ca)
  return gateway
}

/** Writes the configuration that `startGateway` starts with, for a gateway that is to read it anew. */
export function writeConfiguration(options: GatewayOptions): void {
  const { directory, port, config = '', prefix = '' } = options
  const lines = [`c.Proxy.address = "127.0.0.1:${port}"`, `c.Proxy.prefix = "${prefix}"`, config]
  writeFileSync(join(directory, 'dask_gateway_config.py'), `${lines.join('\n')}\n`)
}

/** Starts a command of `bin/dask-gateway-server` on the configuration in a directory, as nobody when the tests run as root. */
export function startCommand(
  command: readonly string[],
  name: string,
  options: Pick<GatewayOptions, 'directory' | 'arguments' | 'env' | 'by'> & {
    readonly address: string
  },
): RunningGateway {
  const { directory, address, env = {} } = options
  const file = join(directory, 'dask_gateway_config.py')
  const logFile = join(directory, `${name}.log`)
  if (!existsSync(logFile)) writeFileSync(logFile, '')
  const [runner = '', ...runnerArguments] = options.by ?? [join(root, 'test/e2e/as-nobody')]
  const child = spawn(
    runner,
    [
      ...runnerArguments,
      join(root, 'bin/dask-gateway-server'),
      ...[...command, '-f', file, ...(options.arguments ?? [])],
    ],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${join(python, '..')}:/usr/bin:/bin`,
        LANG: 'C.UTF-8',
        HOME: directory,
        TMPDIR: tmpdir(),
        ...env,
      },
    },
  )
  const stream = createWriteStream(logFile, { flags: 'a' })
  child.stdout.pipe(stream, { end: false })
  child.stderr.pipe(stream, { end: false })
  // Not 'close': the proxy outlives a killed gateway and holds the pipes.
  const ended = once(child, 'exit').then(([code, signal]) => {
    return (code ?? signal) as number | NodeJS.Signals
  })
  const log = () => readFileSync(logFile, 'utf8')
  return {
    process: child,
    address,
    pid: child.pid ?? 0,
    log,
    ended,
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      return within(ended, 60_000, () => `the gateway did not stop:\n${log()}`)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function ready(gateway: RunningGateway, ca: string | undefined): Promise<void> {
  let over = false
  void gateway.ended.then(() => {
    over = true
  })
  await waitFor(
    'the gateway to be ready',
    async () => {
      if (over) throw new Error(`the gateway ended:\n${gateway.log()}`)
      const trust = ca === undefined ? {} : { ca }
      const answer = await ask(`${gateway.address}/readyz`, trust).catch(() => null)
      return answer?.status === 200
    },
    90_000,
  ).catch((error: Error) => {
    gateway.process.kill('SIGKILL')
    throw new Error(`${error.message}\n${gateway.log()}`)
  })
}

/** The header by which a user speaks. */
export function basic(name: string, password: string): { readonly authorization: string } {
  const credentials = Buffer.from(`${name}:${password}`).toString('base64')
  return { authorization: `Basic ${credentials}` }
}

function within<T>(promise: Promise<T>, limitMs: number, message: () => string): Promise<T> {
  return new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error(message())), limitMs)
    promise.then(done, failed).finally(() => clearTimeout(timer))
  })
}

/** Keeps the log of a failed test where people look for it. */
export function keepLog(name: string, log: string): void {
  const results = join(root, 'test-results')
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, `${name}.log`), log)
}

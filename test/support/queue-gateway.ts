import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { freePort, root } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'

// A gateway that is installed as an administrator would, and run by the account dask. For machines of their own, as root.

const app = '/opt/dask-gateway'
/** Owned by root, as sudo and the launcher demand. */
export const launcher = `${app}/bin/dask-gateway-jobqueue-launcher`
/** The launcher, but that it loses what `lose` tells it to. */
export const lossyLauncher = `${app}/lossy/dask-gateway-jobqueue-launcher`
const losses = '/run/lose'
export const users = ['alice', 'bob'] as const

const limitMs = 120_000

/** Installs the clone, and lets dask act as every member of dask_users by both launchers. */
export function install(): void {
  installGateway()
  mkdirSync(join(app, 'lossy'))
  // Where PBS or Slurm are not asked at all: `before`. Where they have done it, and nobody is told: the others.
  writeFileSync(
    lossyLauncher,
    `#!/bin/sh
request=$(cat)
case $request in *'"verb":"submit"'*) ;; *) printf %s "$request" | ${launcher}; exit ;; esac
for how in before reply killed; do
  mv ${losses}/$how ${losses}/done-$how 2>/dev/null || continue
  [ $how = before ] || printf %s "$request" | ${launcher} >/dev/null
  [ $how = reply ] || kill -KILL $$
  exit 0
done
printf %s "$request" | ${launcher}
`,
    { mode: 0o755 },
  )
  mkdirSync(losses)
  execFileSync('chmod', ['777', losses])
  writeFileSync(
    '/etc/sudoers.d/dask',
    `dask ALL=(%dask_users,!root) NOPASSWD:${launcher},${lossyLauncher}\n`,
    { mode: 0o440 },
  )
}

/** Installs the clone, which is enough where no launcher is needed. */
export function installGateway(): void {
  mkdirSync(join(app, 'node_modules'), { recursive: true })
  for (const part of ['bin', 'dist', 'python', 'package.json'])
    cpSync(join(root, part), join(app, part), { recursive: true })
  execFileSync('chown', ['-R', 'root:root', app])
  execFileSync('mount', ['--bind', join(root, 'node_modules'), join(app, 'node_modules')])
  mkdirSync('/var/gateways', { mode: 0o755 })
}

/** The next submit by the lossy launcher is not made, its reply is lost, or it is killed when the queue has answered. */
export function lose(how: 'before' | 'reply' | 'killed'): () => boolean {
  writeFileSync(join(losses, how), '')
  return () => existsSync(join(losses, `done-${how}`))
}

export interface QueueGatewayOptions {
  readonly backend: 'jobqueue.slurm.SlurmBackend' | 'jobqueue.pbs.PBSBackend' | 'yarn.YarnBackend'
  /** Short: sockets below it have 107 characters. */
  readonly name: string
  /** More lines of its configuration, in Python. */
  readonly config?: string
}

interface Event {
  readonly kind: string
  readonly message: string
  readonly details: { readonly log_tail?: readonly string[] }
}

interface WorkerReport {
  readonly name: string
  readonly status: string
  readonly reason: string | null
}

/** A gateway with schedulers and workers that only speak the protocol (mini_dask.py), unless the options say otherwise. */
export class QueueGateway {
  readonly directory: string
  /** Where mini_dask.py notes what runs, and whether anything ran twice. */
  readonly notes: string
  readonly #name: string
  readonly #backend: QueueGatewayOptions['backend']
  readonly #configuration: (port: number) => string
  #port = 0
  #child: ChildProcess | null = null
  /** How often it was started. */
  starts = 0

  constructor({ name, backend, config = '' }: QueueGatewayOptions) {
    this.#name = name
    this.#backend = backend
    this.directory = `/var/gateways/${name}`
    this.notes = `${this.directory}-notes`
    const miniDask = join(root, 'test/e2e/mini_dask.py')
    const command = (kind: string) => `["/usr/bin/python3", "-IS", "${miniDask}", "${kind}"]`
    this.#configuration = (port) => `
from dask_gateway_server.options import Mapping, Options
c.DaskGateway.backend_class = "dask_gateway_server.backends.${backend}"
c.Proxy.address = ":${port}"
c.Backend.cluster_options = Options(Mapping("settings", default={}), handler=lambda options: options.settings)
c.JobQueueBackend.dask_gateway_jobqueue_launcher = "${launcher}"
c.ClusterConfig.scheduler_cmd = ${command('scheduler')}
c.ClusterConfig.worker_cmd = ${command('worker')}
c.ClusterConfig.scheduler_memory = c.ClusterConfig.worker_memory = "50 M"
c.ClusterConfig.environment = {"MINI_DASK_NOTES": "${this.notes}"}
c.DBBackendBase.settle_time = 0.3
c.DBBackendBase.cluster_heartbeat_period = 5
c.DBBackendBase.backoff_max_delay = 2
${config}
`
    execFileSync('install', ['-d', '-o', 'dask', '-g', 'dask', '-m', '755', this.directory])
    execFileSync('install', ['-d', '-m', '1777', this.notes])
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get url(): string {
    return `http://cluster:${this.#port}`
  }

  async start(env: NodeJS.ProcessEnv = {}): Promise<this> {
    this.#port ||= await freePort()
    const file = join(this.directory, 'config.py')
    writeFileSync(file, this.#configuration(this.#port))
    // What it says is for the gateway's account alone.
    execFileSync('chown', ['root:dask', file])
    chmodSync(file, 0o640)
    const identity = ['--reuid=dask', '--regid=dask', '--init-groups']
    const child = spawn('setpriv', [...identity, `${app}/bin/dask-gateway-server`, '-f', file], {
      cwd: this.directory,
      env: { PATH: '/usr/bin:/bin', HOME: '/home/dask', LANG: 'C.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.starts += 1
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => appendFileSync(join(this.directory, 'log'), chunk))
    await waitFor(
      'the gateway',
      async () =>
        !this.isRunning || (await fetch(`${this.url}/readyz`).catch(() => null))?.ok === true,
      limitMs,
    )
    // One that is killed is a test's doing.
    if (child.exitCode !== null) throw new Error(`the gateway ended:\n${this.log().slice(-4000)}`)
    return this
  }

  /** In order, which leaves clusters as they are when the configuration says so. Resolves with its exit status or signal. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | string | null> {
    const child = this.#child
    if (child === null) return null
    if (this.isRunning) {
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }
    return child.exitCode ?? child.signalCode
  }

  log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8')
  }

  /** Asks again, after another start when the gateway was killed, until there is an answer. */
  async ask(user: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` }
    return this.until(`an answer to ${path}`, async () => {
      if (!this.isRunning) await this.start()
      const signal = AbortSignal.timeout(20_000)
      const url = `${this.url}/api/v1/clusters/${path}`
      return fetch(url, { ...init, headers, signal }).catch(() => null)
    })
  }

  async json<T>(user: string, path: string): Promise<T> {
    const response = await this.ask(user, path)
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }

  /** `settings`: of this cluster alone. Returns its name. */
  async create(user: string, settings: { readonly [name: string]: unknown } = {}): Promise<string> {
    const body = JSON.stringify({ cluster_options: { settings } })
    const response = await this.ask(user, '', { method: 'POST', body })
    const made = (await response.json()) as { readonly name: string; readonly error?: string }
    if (response.status !== 201) throw new Error(`no cluster: ${response.status} ${made.error}`)
    return made.name
  }

  async status(user: string, name: string): Promise<string> {
    return (await this.json<{ readonly status: string }>(user, name)).status
  }

  async events(user: string, name: string): Promise<readonly Event[]> {
    return (await this.json<{ readonly events: readonly Event[] }>(user, `${name}/events`)).events
  }

  async workers(user: string, name: string): Promise<readonly WorkerReport[]> {
    const path = `${name}/workers`
    return (await this.json<{ readonly workers: readonly WorkerReport[] }>(user, path)).workers
  }

  async running(user: string, name: string): Promise<number> {
    return (await this.workers(user, name)).filter(({ status }) => /running/i.test(status)).length
  }

  async becomes(user: string, name: string, wanted: string): Promise<void> {
    await this.until(`${wanted} of ${name}`, async () => (await this.status(user, name)) === wanted)
  }

  async scale(user: string, name: string, count: number): Promise<void> {
    const body = JSON.stringify({ count })
    await this.until(`scale(${count})`, async () => {
      return (await this.ask(user, `${name}/scale`, { method: 'POST', body })).status === 200
    })
  }

  /** The first event with these words. */
  async eventOf(user: string, name: string, words: RegExp): Promise<Event> {
    let seen: readonly Event[] = []
    return await this.until(`an event ${words}`, async () => {
      seen = await this.events(user, name)
      return seen.find(({ message }) => words.test(message))
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${seen.map(({ message }) => message).join('\n')}`)
    })
  }

  async remove(user: string, name: string): Promise<void> {
    await this.ask(user, name, { method: 'DELETE' })
  }

  /** Waits; what failed is told with the end of the gateway's log. */
  until<T>(what: string, get: () => Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
    return waitFor(what, get, limitMs).catch((error: Error) => {
      throw new Error(`${this.#name}: ${error.message}\n${this.log().slice(-3000)}`)
    })
  }

  /** Its jobs that have not ended, in squeue's words, or by their ids. */
  jobs(): readonly string[] {
    const ours = `dg-${this.instanceId()}-`
    if (this.#backend === 'jobqueue.pbs.PBSBackend') {
      const text = execFileSync('/opt/pbs/bin/qstat', ['-f', '-F', 'json'], { encoding: 'utf8' })
      const { Jobs = {} } = JSON.parse(text) as { Jobs?: Record<string, { Job_Name: string }> }
      return Object.keys(Jobs).filter((id) => Jobs[id]?.Job_Name.startsWith(ours))
    }
    const words = ['--noheader', '--array', '--format=%i %u %T %j']
    const lines = execFileSync('squeue', words, { encoding: 'utf8' }).trimEnd().split('\n')
    return lines.filter((line) => line.includes(` ${ours}`))
  }

  /** In the name of everything of this gateway on a queue. */
  instanceId(): string {
    const path = join(this.directory, 'dask_gateway.sqlite')
    using database = new DatabaseSync(path, { readOnly: true })
    const row = database.prepare('SELECT id FROM instance').get()
    return String(row?.id)
  }

  /** No job, file or note that no record knows; nothing ran twice; nothing is unfinished. */
  async balance(): Promise<void> {
    await this.until('no job to be left', async () => this.jobs().length === 0)
    if (existsSync(join(this.notes, 'twice'))) throw new Error('something ran twice')
    for (const user of users)
      await this.until('all to be ended', async () => {
        const path = '?status=pending,running,stopping'
        return Object.keys(await this.json<object>(user, path)).length === 0
      })
    const arrays = readdirSync(join(this.directory, 'dask_gateway.sqlite.d', 'job-arrays'))
    if (arrays.length > 0) throw new Error(`notes of jobs are left: ${arrays}`)
    const left = staged(await this.#clusters())
    if (left.length > 0) throw new Error(`files are left: ${left}`)
  }

  /** Names of all that it remembers. */
  async #clusters(): Promise<readonly string[]> {
    const all = users.map((user) => this.json<object>(user, '?status=stopped,failed'))
    return (await Promise.all(all)).flatMap((each) => Object.keys(each))
  }
}

/** What is left in the staging directories of users, of these clusters. */
export function staged(clusters: readonly string[]): readonly string[] {
  return users.flatMap((user) => {
    const path = `/home/${user}/.dask-gateway`
    const names = existsSync(path) ? readdirSync(path) : []
    return names.filter((name) => clusters.includes(name)).map((name) => join(path, name))
  })
}

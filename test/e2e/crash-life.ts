import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  makeDirectory,
  python,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { childrenOf, processesWith, stateOf } from './processes.ts'

const both = (step: string) => [`before ${step}`, `after ${step}`]

/** Every step that the whole life of a cluster comes to, in their order; between two phases the client asks for something. */
export const phases = [
  [
    'option fields',
    'option handler',
    'write of cluster-created',
    'write of cluster created asked to be running',
    'startScheduler',
    'write of scheduler-started',
    'write of scheduler-ready',
    'put route',
    'write of cluster-running',
  ],
  [
    'write of cluster running accepted',
    'write of worker created to be running',
    'write of worker created asked to be running',
    'startWorkers',
    'write of worker-started',
    'write of worker-connected',
    'write of cluster running accepted, worker running accepted',
  ],
  [
    'write of worker-stopped',
    'write of stop-requested',
    'remove route',
    'write of cluster-stopping',
    'stopObjects',
    'write of cluster closing accepted to be stopped',
    'cleanUp',
    'write of cluster-stopped',
  ],
] as const

export const steps = phases.flat().flatMap(both)

/** Come to only when heartbeats and looks fall together in one way, or after a crash. */
export const alsoSeen = [
  'find',
  'write of worker running accepted',
  'write of worker running accepted to be stopped',
].flatMap(both)

const directory = workingDirectory('crashes')
after(() => directory.remove())

/** A file of the tests, gone when they have ended. */
export const fileFor = (name: string) => join(directory.path, name)

const headers = { authorization: `Basic ${Buffer.from('alice:').toString('base64')}` }

/** A gateway, and the clusters that begin and end in it while processes are killed. */
export class Life {
  readonly path: string
  readonly notes: string
  readonly #pauseFile: string
  readonly port: number
  gateway: RunningGateway | null = null
  over = false
  /** Of the proxy: what failed while one happened is asked again. */
  kills = 0

  constructor(name: string, port: number) {
    // Short, as sockets below it have 107 characters.
    this.path = join(directory.path, name)
    this.notes = join(this.path, 'notes')
    this.port = port
    this.#pauseFile = join(this.path, 'pause-at')
    for (const each of [this.path, this.notes]) makeDirectory(each)
    writeFileSync(this.#pauseFile, '', { mode: 0o666 })
    chmodSync(this.#pauseFile, 0o666)
  }

  async start(env: NodeJS.ProcessEnv, wait = true): Promise<void> {
    const options = optionsIn(this.path)
    const command = (kind: string) =>
      `["${python}", "${join(root, 'test/e2e/mini_dask.py')}", "${kind}"]`
    this.over = false
    this.gateway = await startGateway({
      directory: this.path,
      port: this.port,
      config: `
c.LocalClusterConfig.scheduler_cmd = ${command('scheduler')}
c.LocalClusterConfig.worker_cmd = ${command('worker')}
c.LocalClusterConfig.environment = {"MINI_DASK_NOTES": "${this.notes}"}
c.UnsafeLocalBackend.sigint_timeout = 1
c.DBBackendBase.settle_time = 0.3
c.DBBackendBase.cluster_heartbeat_period = 5
${options}
`,
      wait,
      env: { DASK_GATEWAY_PAUSE_AT: this.#pauseFile, ...env },
    })
    void this.gateway.ended.then(() => {
      this.over = true
    })
  }

  /** Asks again, after another start when the gateway was killed, until there is an answer. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    for (let tries = 0; tries < 50; tries++) {
      if (this.over) await this.start({})
      const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/clusters/${path}`, {
        ...init,
        headers,
        signal: AbortSignal.timeout(3000),
      }).catch(() => null)
      if (response !== null) return response
      if (this.gateway !== null && !this.over) await Promise.race([this.gateway.ended, delay(200)])
    }
    throw new Error(`no answer:\n${this.gateway?.log()}`)
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return (await (await this.ask(path)).json()) as Record<string, unknown>
  }

  /** The whole life of a cluster, whatever happens to the gateway meanwhile. */
  async live(): Promise<void> {
    const name = await this.create()
    await this.until('RUNNING', async () => (await this.json(name)).status === 'RUNNING')
    await this.tunnel(name)
    await this.scale(name, 2)
    await this.scale(name, 1)
    await this.tunnel(name)
    await this.end(name)
  }

  async end(name: string): Promise<void> {
    await this.ask(name, { method: 'DELETE' })
    await this.until('STOPPED', async () => (await this.json(name)).status === 'STOPPED')
  }

  async create(): Promise<string> {
    const post = () => this.ask('', { method: 'POST', body: '{}' })
    let response = await post()
    if (response.status === 500) {
      assert.match(await response.text(), handlerKilled)
      response = await post()
    }
    assert.equal(response.status, 201)
    const names = Object.keys(await this.json(''))
    // One whose answer was lost is a cluster all the same; the client would see it in its list.
    for (const lost of names.slice(1)) await this.end(lost)
    return names[0] ?? ''
  }

  async scale(name: string, count: number): Promise<void> {
    await this.until(`scale(${count})`, async () => {
      const body = JSON.stringify({ count })
      return (await this.ask(`${name}/scale`, { method: 'POST', body })).status === 200
    })
    await this.until(`${count} workers`, async () => {
      const { workers } = (await this.json(`${name}/workers`)) as { workers: { status: string }[] }
      return (
        workers.filter((worker) => !/stopped|failed/i.test(worker.status)).length === count &&
        workers.filter((worker) => /running/i.test(worker.status)).length === count
      )
    })
  }

  /** A client's TLS reaches the scheduler at once: RUNNING has been said. */
  async tunnel(name: string): Promise<void> {
    const hello = await helloFor(`daskgateway-${name.toLowerCase()}`)
    await this.until(`a tunnel to ${name}`, async () => {
      const { kills } = this
      const said = await answerTo(hello, this.port)
      if (said === name) return true
      if (said !== null && kills === this.kills)
        throw new Error(`a tunnel to ${name} ended with "${said}"`)
      return false
    })
  }

  /** Does something when the gateway comes to each of these steps, while the gateway stands still. */
  async at(places: readonly string[], act: (step: string) => void): Promise<void> {
    const pid = this.gateway?.pid ?? 0
    const [first = ''] = places
    writeFileSync(this.#pauseFile, first)
    for (const [n, step] of places.entries()) {
      await this.until(`the gateway to come to ${step}`, async () => stateOf(pid) === 'T')
      act(step)
      writeFileSync(this.#pauseFile, places[n + 1] ?? '')
      process.kill(pid, 'SIGCONT')
    }
  }

  /** kill -9 of the gateway's proxy. */
  killProxy(): void {
    const killed = this.#kill('managed-proxy.js')
    assert.equal(killed.length, 1, 'one proxy runs')
    this.kills++
  }

  /** kill -9 of the processes that evaluate the configuration and answer for its options; returns their ids. */
  killPython(): readonly number[] {
    return this.#kill('python/evaluator.py')
  }

  /** Python stays in the configuration, or in the option handler, from when it gets there until the result is called. */
  hold(where: 'config' | 'options') {
    const path = join(this.path, `hold-${where}`)
    rmSync(`${path}-reached`, { force: true })
    writeFileSync(path, '')
    return {
      reached: () =>
        this.until(`Python to be in the ${where}`, async () => existsSync(`${path}-reached`)),
      release: () => rmSync(path),
    }
  }

  #kill(text: string): readonly number[] {
    const found = childrenOf(this.gateway?.pid ?? 0, text)
    for (const { pid } of found) process.kill(pid, 'SIGKILL')
    return found.map(({ pid }) => pid)
  }

  until(what: string, get: () => Promise<boolean>): Promise<unknown> {
    return waitFor(what, get, 20_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.gateway?.log()}`)
    })
  }

  /** Nothing runs, nothing ran twice, and no record is unfinished. */
  async balance(): Promise<void> {
    await this.until('nothing to run', async () => this.processes().length === 0)
    assert.ok(!existsSync(join(this.notes, 'twice')), 'something ran twice')
    const unfinished = () => this.json('?status=pending,running,stopping')
    await this.until('all to be ended', async () => Object.keys(await unfinished()).length === 0)
    const all = (await this.json('?status=stopped,failed')) as Record<string, { status: string }>
    for (const cluster of Object.values(all)) assert.equal(cluster.status, 'STOPPED')
    const clusters = join(this.path, 'dask_gateway.sqlite.d', 'clusters')
    assert.deepEqual(existsSync(clusters) ? readdirSync(clusters) : [], [])
    await this.#balanceUsage()
  }

  /** What counts is what the processes say they ran, and what their supervisors take to begin and to end. */
  async #balanceUsage(): Promise<void> {
    const { usage } = (await this.json('../usage?by=user&from=2000-01-01')) as {
      usage: Record<string, number>[]
    }
    // There are none when a cluster was stopped before its scheduler had begun.
    const times = join(this.notes, 'times')
    const lives = existsSync(times) ? readFileSync(times, 'utf8').trim().split('\n') : []
    for (const kind of ['scheduler', 'worker']) {
      const own = lives
        .filter((line) => line.startsWith(kind))
        .map((line) => +(line.split(' ')[1] ?? 0))
      const ran = own.reduce((sum, each) => sum + each, 0)
      const counted = usage[0]?.[kind === 'scheduler' ? 'cluster_seconds' : 'worker_seconds'] ?? 0
      assert.ok(
        counted >= ran - 0.1 * own.length && counted <= ran + 2 * Math.max(1, own.length),
        `${counted} s of ${kind}s are counted, who ran ${own.join(' + ')} s`,
      )
    }
  }

  processes(): readonly unknown[] {
    return processesWith(`MINI_DASK_NOTES=${this.notes}\0`)
  }
}

/** What the API says when the process that an option handler runs in is killed. */
export const handlerKilled = /of this gateway ended its process: signal SIGKILL/

/** Options that Python is asked for, twice a cluster. While there is a file `hold-options` or `hold-config`, Python stays there. */
function optionsIn(path: string): string {
  return `
import os, time
from dask_gateway_server.options import Options, String

def hold(name):
    path = os.path.join("${path}", "hold-" + name)
    if os.path.exists(path):
        open(path + "-reached", "w").close()
    while os.path.exists(path):
        time.sleep(0.01)

def handler(options):
    hold("options")
    return {}

hold("config")
c.Backend.cluster_options = lambda user: Options(String("word", default="a"), handler=handler)
`
}

/** A TLS ClientHello for this name. */
function helloFor(servername: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      resolve(chunk)
      done()
    },
  })
  connectTls({ socket, servername }).on('error', () => {})
  return promise
}

/** All that is said to these bytes, "" when nothing is; null: nobody listens. */
async function answerTo(bytes: Buffer, port: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>()
  const socket = connect(port, '127.0.0.1')
  let said = ''
  socket.setTimeout(10_000, () => socket.destroy())
  socket.on('data', (chunk) => {
    said += chunk
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') resolve(null)
  })
  socket.on('close', () => resolve(said))
  socket.end(bytes)
  return promise
}

let lives = 0

/** Runs `use` with a gateway of its own, and sees that its books balance at the end. */
export async function withLife(
  name: string,
  env: NodeJS.ProcessEnv,
  use: (life: Life) => Promise<void>,
): Promise<void> {
  const life = new Life(`life-${++lives}`, await freePort())
  try {
    await life.start(env)
    await use(life)
    await life.balance()
  } catch (error) {
    keepLog(`crashes-${name.replaceAll(/\W+/g, '-')}`, life.gateway?.log() ?? '')
    throw error
  } finally {
    if (!life.over) life.gateway?.signal('SIGCONT')
    if (!life.over) assert.equal(await life.gateway?.stop(), 0)
    rmSync(life.path, { recursive: true, force: true })
  }
}

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
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

// A kill -9 of the gateway before and after each thing it does, then a new start: the books must balance. Every step that the whole
// life of a cluster comes to must stand here; the first test finds those that do not.
const steps = [
  'write of cluster-created',
  'write of cluster created asked to be running',
  'startScheduler',
  'write of scheduler-started',
  'write of scheduler-ready',
  'put route',
  'write of cluster-running',
  'write of cluster running accepted',
  'write of worker created to be running',
  'write of worker created asked to be running',
  'startWorkers',
  'write of worker-started',
  'write of worker-connected',
  'write of cluster running accepted, worker running accepted',
  'write of worker-stopped',
  'write of stop-requested',
  'remove route',
  'write of cluster-stopping',
  'stopObjects',
  'cleanUp',
  'write of cluster-stopped',
].flatMap((step) => [`before ${step}`, `after ${step}`])

// Come to only when heartbeats and looks fall together in one way, or after a crash.
const alsoSeen = [
  'find',
  'write of worker running accepted',
  'write of worker running accepted to be stopped',
].flatMap((step) => [`before ${step}`, `after ${step}`])

const directory = workingDirectory('crashes')
after(() => directory.remove())

const headers = { authorization: `Basic ${Buffer.from('alice:').toString('base64')}` }

class Life {
  readonly path: string
  readonly notes: string
  readonly port: number
  gateway: RunningGateway | null = null
  over = false

  constructor(name: string, port: number) {
    // Short, as sockets below it have 107 characters.
    this.path = join(directory.path, name)
    this.notes = join(this.path, 'notes')
    this.port = port
    for (const each of [this.path, this.notes]) makeDirectory(each)
  }

  async start(env: NodeJS.ProcessEnv): Promise<void> {
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
c.DBBackendBase.settle_time = 0.3
c.DBBackendBase.cluster_heartbeat_period = 5
`,
      env,
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
      if (this.gateway !== null && !this.over)
        await Promise.race([this.gateway.ended, new Promise((done) => setTimeout(done, 200))])
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
    await this.scale(name, 2)
    await this.scale(name, 1)
    await this.ask(name, { method: 'DELETE' })
    await this.until('STOPPED', async () => (await this.json(name)).status === 'STOPPED')
  }

  async create(): Promise<string> {
    const response = await this.ask('', { method: 'POST', body: '{}' })
    assert.equal(response.status, 201)
    const names = Object.keys(await this.json(''))
    // One whose answer was lost is a cluster all the same; the client would see it in its list.
    for (const lost of names.slice(1)) await this.ask(lost, { method: 'DELETE' })
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
  }

  processes(): string[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          const found = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(
            `MINI_DASK_NOTES=${this.notes}\0`,
          )
          return found ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : []
        } catch {
          return []
        }
      })
  }
}

let lives = 0

async function withLife(
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
    if (!life.over) assert.equal(await life.gateway?.stop(), 0)
    rmSync(life.path, { recursive: true, force: true })
  }
}

test('every step of a life has a case', async () => {
  await withLife(
    'no crash',
    { DASK_GATEWAY_STEPS: join(directory.path, 'steps') },
    async (life) => {
      await life.live()
      const seen = new Set(readFileSync(join(directory.path, 'steps'), 'utf8').trim().split('\n'))
      assert.deepEqual(
        [...seen].filter((step) => ![...steps, ...alsoSeen].includes(step)),
        [],
      )
      assert.deepEqual(
        steps.filter((step) => !seen.has(step)),
        [],
      )
    },
  )
})

describe('a kill -9', { concurrency: 3 }, () => {
  for (const step of steps)
    test(step, async () => {
      await withLife(step, { DASK_GATEWAY_FAIL_AT: step }, async (life) => {
        const first = life.gateway
        await life.live()
        assert.equal(await first?.ended, 'SIGKILL', 'the gateway never came to that step')
      })
    })
})

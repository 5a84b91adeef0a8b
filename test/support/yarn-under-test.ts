import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { backends } from '../../src/backends/index.ts'
import { type Backend, type Cluster, type Logger, resolveSettings } from '../../src/core/index.ts'
import type { BackendUnderTest } from '../contracts/backend.ts'
import { hadoopPlaces } from './hadoop.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const fixture = join(import.meta.dirname, 'start-on-yarn.fixture.ts')

/** What the fixture is told. */
export interface YarnGatewayState {
  readonly instanceId: string
  readonly stateDirectory: string
  readonly apiUrl: string
}

/** The YARN backend as the contract's suite wants it, inside a machine with Hadoop, as root. */
export async function yarnUnderTest(
  username: string,
  signal: AbortSignal,
): Promise<BackendUnderTest> {
  const base = mkdtempSync('/tmp/yarn-')
  chmodSync(base, 0o711)
  const scratch = join(base, 'scratch')
  mkdirSync(scratch)
  chmodSync(scratch, 0o1777)
  const home = await listenForMasters()
  const state = (folder: string) => ({
    instanceId: randomBytes(16).toString('hex'),
    stateDirectory: join(base, folder),
    apiUrl: home.url,
  })
  const [own, other] = [state('own'), state('other')]
  const open = async (each: YarnGatewayState) => {
    const backend = makeYarnBackend(each)
    await backend.start(signal)
    return home.watched(backend)
  }
  return {
    ...{ username, scratch },
    settings: { queue: 'default', scheduler_memory: 256 << 20, worker_memory: 256 << 20 },
    open: () => open(own),
    openOther: () => open(other),
    async startFromGatewayThatDies(cluster) {
      home.clusters.set(cluster.name, cluster)
      const child = spawn(process.execPath, [fixture], { stdio: ['pipe', 'pipe', 'inherit'] })
      child.stdin.end(JSON.stringify({ state: own, cluster }))
      child.stdout.once('data', () => child.kill('SIGKILL'))
      const [said] = await Promise.all([text(child.stdout), once(child, 'exit')])
      assert.equal(child.signalCode, 'SIGKILL')
      const outcome = JSON.parse(said)
      assert.equal(outcome.outcome, 'started', said)
      return outcome.handle
    },
    async close() {
      await home.close()
      rmSync(base, { recursive: true })
    },
  }
}

/** As a gateway makes it; not started. */
export function makeYarnBackend({ instanceId, stateDirectory, apiUrl }: YarnGatewayState): Backend {
  const driver = backends.YarnBackend
  assert.ok(driver !== undefined)
  const values =
    process.env.HADOOP_SECURITY === 'kerberos'
      ? { principal: 'dask', keytab: hadoopPlaces.daskKeytab }
      : {}
  const assigned = Object.entries(values).map(([name, value]) => {
    return [name, { value, source: 'the test' }] as const
  })
  process.env.HADOOP_USER_NAME = 'dask'
  const context = { instanceId, stateDirectory, apiUrl, wake() {}, logger: silent }
  return driver.create(
    resolveSettings(driver.settings, new Map([['YarnBackend', new Map(assigned)]])),
    context,
  )
}

/** Where application masters call, in place of the API: the newest backend that knows the caller answers. */
async function listenForMasters() {
  const clusters = new Map<string, Cluster>()
  const opened: Backend[] = []
  const server = createServer((request, response) => {
    const answer = async () => {
      const [, name = ''] = /^\/api\/v1\/clusters\/(\w+)\/am$/.exec(request.url ?? '') ?? []
      const cluster = clusters.get(name)
      const token = request.headers.authorization?.replace(/^token /, '') ?? ''
      const body = await json(request)
      const gone = new AbortController()
      response.on('close', () => gone.abort())
      for (const { callHome } of opened.toReversed()) {
        if (cluster === undefined || !callHome?.knows(cluster, token)) continue
        const said = await callHome.answer(cluster, body, gone.signal).catch(() => null)
        if (said !== null) return response.end(JSON.stringify(said))
      }
      return response.writeHead(503).end()
    }
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    clusters,
    /** The backend; its clusters may call. */
    watched(backend: Backend): Backend {
      opened.push(backend)
      const start = backend.startScheduler.bind(backend)
      backend.startScheduler = (cluster, signal) => {
        clusters.set(cluster.name, cluster)
        return start(cluster, signal)
      }
      return backend
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

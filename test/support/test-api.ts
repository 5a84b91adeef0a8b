import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequestArgs, type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type ApiOptions,
  createApi,
  createAuditTrail,
  createAuthentication,
  type LoginPagesOptions,
  openSocketDoor,
  openTcpDoor,
  type UserRules,
} from '../../src/api/index.ts'
import {
  createAccessTokens,
  createSessions,
  createSimpleAuthenticator,
} from '../../src/auth/index.ts'
import type { Logger, OptionField, RouteFeed, SessionStore, User } from '../../src/core/index.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { createFakeClusterService } from './fake-cluster-service.ts'

export const proxyToken = 'the-proxy-token'
export const userAddress = '203.0.113.9'

export const loginOptions: LoginPagesOptions = {
  signingKey: Buffer.alloc(32, 1),
  warning: null,
  dashboardOrigin: null,
}

export type TestApiOptions = Partial<ApiOptions> & {
  readonly password?: string | null
  readonly roles?: (user: User) => User
  readonly rules?: Partial<UserRules>
  readonly tokenMaxAge?: number | null
}

/** An API on real sockets with fake clusters; stopped and removed when the test ends. */
export async function startTestApi(test: TestContext, overrides: TestApiOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-api-'))
  const socketPath = join(directory, 'run', 'proxy.sock')
  const { logger, lines } = createTestLogger()
  const fake = createFakeClusterService()
  const routes = createFakeRouteFeed()
  const cookieSettings = { cookieName: 'test-gateway', cacheMaxAge: 300, sessionMaxAge: 3600 }
  const sessions = await createSessions(forgetfulStore, cookieSettings, logger)
  const { password = 'secret', tokenMaxAge = null } = overrides
  const memory = new MemoryStore()
  const tokens = await createAccessTokens(memory, { maxAge: tokenMaxAge }, logger)
  const publicDoor = await openSocketDoor(socketPath)
  const privateDoor = await openTcpDoor({ host: '127.0.0.1', port: 0 })
  const api = createApi({
    service: fake.service,
    clusterOptions: { fieldsFor: async () => optionFields },
    authentication: createAuthentication({
      authenticator: createSimpleAuthenticator({ password }),
      sessions,
      tokens,
      rules: { ...(overrides.roles && { withRights: overrides.roles }), ...overrides.rules },
      logger,
    }),
    routeFeed: routes.feed,
    proxyToken,
    dashboards: null,
    login: loginOptions,
    prefix: '',
    publicDoor,
    privateDoor,
    certificate: null,
    trustedProxies: [],
    metricsPublic: false,
    checks: [],
    trail: createAuditTrail(memory, logger),
    backendName: 'FakeBackend',
    version: '1.2.3',
    webFolder: null,
    logger,
    ...overrides,
  })
  await api.start()
  let stopped: Promise<void> | null = null
  const stop = () => (stopped ??= api.stop())
  test.after(async () => {
    await stop()
    await rm(directory, { recursive: true, force: true })
  })
  const privatePort = privateDoor.port ?? 0
  return {
    ...fake,
    api,
    stop,
    sessions,
    tokens,
    memory,
    routes,
    logger,
    lines,
    socketPath,
    directory,
    privatePort,
  }
}

export type TestApi = Awaited<ReturnType<typeof startTestApi>>

const optionFields: readonly OptionField[] = [
  { field: 'cores', label: 'Cores', default: 1, spec: { type: 'int', min: 1, max: 4 } },
]

/** A PROXY header of version 2 for TCP over IPv4. */
export function proxyHeader(source = userAddress): Buffer {
  const header = Buffer.alloc(28)
  Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex').copy(header)
  source.split('.').forEach((part, index) => {
    header[16 + index] = Number(part)
  })
  header.set([127, 0, 0, 1], 20)
  header.writeUInt16BE(40_000, 24)
  header.writeUInt16BE(8000, 26)
  return header
}

/** A connection as the proxy makes it: its header has been sent. */
export function connectAsUser(it: TestApi, source?: string): Socket {
  const socket = connect(it.socketPath)
  socket.write(proxyHeader(source))
  return socket
}

export interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON, or null. */
  readonly json: unknown
}

export interface Ask {
  readonly method?: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string | Buffer
}

export const basic = (user: string, password = 'secret') => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

/** One request as a user, by the proxy's socket. */
export function askPublic(it: TestApi, path: string, ask: Ask = {}): Promise<Answer> {
  return answerTo(path, ask, { createConnection: () => connectAsUser(it) })
}

/** One request to the private address. */
export function askPrivate(it: TestApi, path: string, ask: Ask = {}): Promise<Answer> {
  return answerTo(path, ask, { host: '127.0.0.1', port: it.privatePort })
}

export async function answerTo(
  path: string,
  { method = 'GET', headers = {}, body }: Ask,
  where: ClientRequestArgs,
): Promise<Answer> {
  const outgoing = request({
    ...where,
    path,
    method,
    headers: { host: 'gateway.test:8000', connection: 'keep-alive', ...headers },
  })
  outgoing.end(body)
  const [response] = await once(outgoing, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  outgoing.destroy()
  const text = Buffer.concat(chunks).toString('utf8')
  return {
    status: response.statusCode,
    statusText: response.statusMessage,
    headers: response.headers,
    text,
    json: String(response.headers['content-type']).startsWith('application/json')
      ? JSON.parse(text)
      : null,
  }
}

/** A request to be written to a bare socket. */
export const health = 'GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n'

/** What a socket says until `done` or until it ends; the socket stays open. */
export async function readUntil(socket: Socket, done: (text: string) => boolean): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (done(text)) return text
  }
  return text
}

/** Whether so many answers to `health` have come. */
export const answers = (count: number) => (text: string) =>
  text.split('{"status":"pass"}').length - 1 >= count

const forgetfulStore: SessionStore = {
  loadSessions: async () => [],
  async putSession() {},
  async removeSession() {},
  async removeExpiredSessions() {},
}

export function createTestLogger() {
  const lines: string[] = []
  const log = (message: string, fields: object = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  const logger: Logger = { debug: log, info: log, warn: log, error: log, with: () => logger }
  return { logger, lines }
}

function createFakeRouteFeed() {
  const watches = new Map<string, { write: (line: string) => void; end: () => void }>()
  const feed: RouteFeed = {
    snapshot: () => ({ epoch: 'e1', version: 0, routes: [] }),
    serveWatch({ proxyName }, write, onReplaced) {
      watches.get(proxyName)?.end()
      const watch = { write, end: onReplaced }
      watches.set(proxyName, watch)
      write(`${JSON.stringify({ type: 'snapshot', epoch: 'e1', version: 0, routes: [] })}\n`)
      return {
        close: () => {
          if (watches.get(proxyName) === watch) watches.delete(proxyName)
        },
      }
    },
    acknowledge: (proxyName, epoch) => watches.has(proxyName) && epoch === 'e1',
    reportTunnels: (proxyName, epoch) => watches.has(proxyName) && epoch === 'e1',
    proxies: () => [...watches.keys()].map((name) => ({ name, version: 0 })),
  }
  return { feed, watches }
}

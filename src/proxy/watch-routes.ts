import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { messageOf, type Route, type RouteLine } from '../core/index.ts'
import { boundedWarnings, type Log } from './log.ts'
import { type OpenTunnels, reportTunnels } from './report-tunnels.ts'

export interface WatchOptions {
  /** `http://host:port` of the gateway's private address. */
  readonly gatewayUrl: string
  /** The secret of Proxy.api_token. */
  readonly token: string
  /** Tells this proxy from others, and stays the same when it connects again. */
  readonly proxyName: string
  readonly log: Log
  /** A gateway that is silent for longer is taken for gone. */
  readonly silenceMs?: number
  readonly firstBackoffMs?: number
}

/** What is done with routes as they are learned. */
export interface RouteSink {
  put(route: Route): void
  remove(clusterName: string): void
  replaceAll(routes: readonly Route[]): void
  /** Whether it has all routes there are: true once the gateway has told them, false from when it falls silent. */
  upToDate(is: boolean): void
  /** What there is to tell the gateway; without it, nothing is told. */
  readonly tunnels?: OpenTunnels
}

const maxBackoffMs = 5_000

/**
 * Keeps `sink` at the gateway's routes, over the wire that `core/route-table.ts` describes, until `signal` aborts; never
 * rejects. While the gateway is away the last routes stay. Each change is acknowledged when `sink` has it.
 */
export async function watchRoutes(
  options: WatchOptions,
  sink: RouteSink,
  signal: AbortSignal,
): Promise<void> {
  const warn = boundedWarnings(options.log)
  const firstBackoffMs = options.firstBackoffMs ?? 100
  const at: Position = { epoch: null, version: 0 }
  let backoffMs = firstBackoffMs
  while (!signal.aborted) {
    const connection = new AbortController()
    const ended = AbortSignal.any([signal, connection.signal])
    const acknowledge = acknowledger(options, at, ended)
    let reporting: Promise<void> | null = null
    try {
      const lines = await openWatch(options, at, signal)
      for await (const line of lines) {
        if (apply(parseLine(line), at, sink)) acknowledge()
        reporting ??= reporter(options, at, sink.tunnels, ended)
        backoffMs = firstBackoffMs
      }
      options.log.debug('The gateway ended the watch of routes')
    } catch (error) {
      if (!signal.aborted)
        warn('The gateway tells no routes; the last ones stay', { reason: messageOf(error) })
    } finally {
      connection.abort()
      sink.upToDate(false)
      await reporting
    }
    await delay(backoffMs, undefined, { signal }).catch(() => {})
    backoffMs = Math.min(maxBackoffMs, backoffMs * 2)
  }
}

interface Position {
  epoch: string | null
  version: number
}

const routeSchema = z.object({
  clusterName: z.string().min(1).max(253),
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65535),
})
const version = z.int().min(0)
const lineSchema: z.ZodType<RouteLine> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    epoch: z.string(),
    version,
    routes: z.array(routeSchema),
  }),
  z.object({ type: z.literal('current'), epoch: z.string(), version }),
  z.object({ type: z.literal('put'), version, route: routeSchema }),
  z.object({ type: z.literal('remove'), version, clusterName: z.string() }),
  z.object({ type: z.literal('ping') }),
])

function parseLine(line: string): RouteLine {
  return lineSchema.parse(JSON.parse(line))
}

/** True when something is to be acknowledged. */
function apply(line: RouteLine, at: Position, sink: RouteSink): boolean {
  switch (line.type) {
    case 'ping':
      return false
    case 'snapshot':
      sink.replaceAll(line.routes)
      sink.upToDate(true)
      at.epoch = line.epoch
      break
    case 'current':
      sink.upToDate(true)
      break
    case 'put':
      sink.put(line.route)
      break
    case 'remove':
      sink.remove(line.clusterName)
  }
  at.version = line.version
  return true
}

async function openWatch(
  options: WatchOptions,
  at: Position,
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  const query = new URLSearchParams({ watch: '1', proxy: options.proxyName })
  if (at.epoch !== null) {
    query.set('epoch', at.epoch)
    query.set('since', String(at.version))
  }
  const url = new URL(`api/v1/routes?${query}`, baseOf(options.gatewayUrl))
  const silenceMs = options.silenceMs ?? 15_000
  const asked = request(url, { agent: false, headers: authorization(options.token), signal })
  asked.setTimeout(silenceMs, () => asked.destroy(new Error('the gateway is silent')))
  asked.end()
  const response = await answer(asked)
  if (response.statusCode !== 200) {
    response.destroy()
    throw new Error(refusal(response))
  }
  return createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })
}

function refusal(response: IncomingMessage): string {
  return response.statusCode === 401
    ? 'it refused the token: Proxy.api_token differs between the proxy and the gateway'
    : `it answered ${response.statusCode} ${response.statusMessage}`
}

/**
 * Gives a function that sends the newest version, one request at a time on a kept connection, and again
 * until one gets through.
 */
function acknowledger(options: WatchOptions, at: Position, signal: AbortSignal): () => void {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  signal.addEventListener('abort', () => agent.destroy(), { once: true })
  let wanted = false
  let busy = false
  const send = async () => {
    busy = true
    while (wanted && !signal.aborted) {
      wanted = false
      const taken = await sendAcknowledgement(options, at, agent, signal).catch(() => false)
      if (taken) continue
      wanted = true
      await delay(200, undefined, { signal }).catch(() => {})
    }
    busy = false
  }
  return () => {
    wanted = true
    if (!busy) void send()
  }
}

/** Tells the open tunnels until `signal` aborts. */
async function reporter(
  options: WatchOptions,
  at: Position,
  tunnels: OpenTunnels | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (tunnels === undefined) return
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (open: ReadonlyMap<string, number>) =>
    tell(options, 'tunnels', { epoch: at.epoch, open: Object.fromEntries(open) }, agent, signal)
  await reportTunnels(tunnels, send, signal)
  agent.destroy()
}

function sendAcknowledgement(
  options: WatchOptions,
  at: Position,
  agent: Agent,
  signal: AbortSignal,
): Promise<boolean> {
  return tell(options, 'ack', { epoch: at.epoch, version: at.version }, agent, signal)
}

/** Whether the gateway has taken it. */
async function tell(
  options: WatchOptions,
  what: 'ack' | 'tunnels',
  message: object,
  agent: Agent,
  signal: AbortSignal,
): Promise<boolean> {
  const body = JSON.stringify({ proxy: options.proxyName, ...message })
  const headers = {
    ...authorization(options.token),
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  }
  const url = new URL(`api/v1/routes/${what}`, baseOf(options.gatewayUrl))
  const asked = request(url, { method: 'POST', agent, headers, signal, timeout: 5_000 })
  asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
  asked.end(body)
  const response = await answer(asked)
  response.resume()
  return response.statusCode === 204
}

function answer(asked: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  // Stays for the whole life of the request: an abort after the answer is an error of the request too.
  asked.on('error', reject)
  asked.once('response', (response) => {
    response.on('error', () => {})
    resolve(response)
  })
  return promise
}

const authorization = (token: string) => ({ Authorization: `token ${token}` })
const baseOf = (gatewayUrl: string) => new URL(gatewayUrl.replace(/\/*$/, '/'))

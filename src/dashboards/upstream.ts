import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { GatewayError, messageOf } from '../core/index.ts'
import { authorityOf, type HeaderPair, responseHeaders, rewriteLocation } from './headers.ts'

/** Where a request goes and what is to be said about its answer. */
export interface Upstream {
  /** `http://host:port`. */
  readonly address: string
  /** Path and query there. */
  readonly path: string
  readonly headers: readonly HeaderPair[]
  /** The dashboard's root as the browser sees it, without a slash at the end. */
  readonly base: string
  readonly securityHeaders: readonly HeaderPair[]
}

export interface UpstreamLimits {
  /** For a connection, waiting for a free one included. */
  readonly connectTimeoutMs: number
  /** From the request's end to the answer's first line: a page may be long in the making. */
  readonly answerTimeoutMs: number
}

/** `agent` false: a connection of its own. A wait that is over ends the request with an 'unavailable' error. */
export function openRequest(
  method: string,
  upstream: Upstream,
  agent: Agent | false,
  limits: UpstreamLimits,
): ClientRequest {
  const { host, port } = authorityOf(upstream.address)
  // As a list they are checked and written as they are; Node keeps no other form of them.
  const headers = [...upstream.headers, ...framing(method, upstream.headers)].flat()
  const { path } = upstream
  const outgoing = httpRequest({ agent, method, host, port, path, setHost: false, headers })
  limitWaits(outgoing, limits)
  return outgoing
}

/** Without a length, Node would send the body that such a request does not have in chunks. */
function framing(method: string, headers: readonly HeaderPair[]): readonly HeaderPair[] {
  const isFramed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  return isFramed || bodiless.has(method) ? [] : [['Content-Length', '0']]
}

const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/** The headers of an answer, as they are passed on. */
export function answerHeaders(incoming: IncomingMessage, upstream: Upstream): HeaderPair[] {
  const { address, base, securityHeaders } = upstream
  const passed = responseHeaders(incoming).map(([name, value]): HeaderPair => {
    const isPlace = ['location', 'content-location'].includes(name.toLowerCase())
    return [name, isPlace ? rewriteLocation(value, address, base) : value]
  })
  return [...passed, ...securityHeaders]
}

/**
 * Sends an answer's first part, together with what follows if that is there already, else alone: a stream may have
 * nothing more to say for long.
 */
export function copyHead(
  incoming: IncomingMessage,
  response: ServerResponse,
  upstream: Upstream,
): void {
  const status = incoming.statusCode ?? 0
  // 101 without an upgrade: servers before us would take what follows for another protocol.
  if (status < 200 || status > 599) throw new Error(`it answered with the status ${status}`)
  // All that can be wrong with them is found here, before anything of them is kept.
  response.writeHead(status, answerHeaders(incoming, upstream).flat())
  setImmediate(() => {
    if (!response.destroyed && !response.writableEnded) response.flushHeaders()
  })
}

/** Why it did not answer, without the address it has inside. */
export function problemOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'nothing listens at its address'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'it closed the connection'
  if (code.startsWith('HPE_')) return 'what it sent is not proper HTTP'
  return code || messageOf(error)
}

function limitWaits(outgoing: ClientRequest, limits: UpstreamLimits): void {
  const { connectTimeoutMs, answerTimeoutMs } = limits
  const end = (timeoutMs: number, what: string) =>
    setTimeout(() => {
      const message = `${what} took more than ${timeoutMs / 1000} s`
      outgoing.destroy(new GatewayError('unavailable', message))
    }, timeoutMs)
  const connecting = end(connectTimeoutMs, 'the connection to it')
  let answering: NodeJS.Timeout | undefined
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => clearTimeout(connecting))
    else clearTimeout(connecting)
  })
  outgoing.once('finish', () => {
    answering = end(connectTimeoutMs + answerTimeoutMs, 'its answer')
  })
  const stop = () => {
    clearTimeout(connecting)
    clearTimeout(answering)
  }
  for (const event of ['response', 'upgrade', 'close']) outgoing.once(event, stop)
}

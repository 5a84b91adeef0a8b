import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Client } from './client.ts'

/** Names and values in turn, as `IncomingMessage.rawHeaders` has them. */
export type HeaderPair = readonly [name: string, value: string]

/**
 * What the dashboard is told. `host` is the dashboard's own; `Connection` and `Upgrade` are the caller's.
 * `hasPass`: the path carries what only the dashboard's own pages know. They are of the origin `null` (or of the
 * host of dashboards), and the dashboard must find them its own: Tornado refuses other WebSockets.
 */
export function requestHeaders(
  request: IncomingMessage,
  client: Client,
  host: string,
  hasPass: boolean,
): readonly HeaderPair[] {
  const outside = `${client.secure ? 'https' : 'http'}://${request.headers.host}`
  const passed = pairs(request)
    .filter(keepUnless(neverSent, request))
    .map(([name, value]): HeaderPair => {
      const isOwn = hasPass && name.toLowerCase() === 'origin'
      return isOwn && ['null', outside].includes(value) ? [name, `http://${host}`] : [name, value]
    })
  const before = request.headers['x-forwarded-for']
  const addresses = [...(before === undefined ? [] : [before].flat()), client.address]
  // Node frames a body by itself for some methods only; without framing it would be taken for a next request.
  const isChunked = request.headers['transfer-encoding'] !== undefined
  return [
    ['Host', host],
    ...passed,
    ...(isChunked ? [['Transfer-Encoding', 'chunked'] as const] : []),
    ['X-Forwarded-For', addresses.join(', ')],
    ['X-Forwarded-Proto', client.secure ? 'https' : 'http'],
    ...(request.headers.host === undefined
      ? []
      : [['X-Forwarded-Host', request.headers.host] as const]),
  ]
}

/** What the browser is told of a dashboard's answer; `securityHeaders` come on top. */
export function responseHeaders(response: IncomingMessage): readonly HeaderPair[] {
  return pairs(response).filter(keepUnless(neverPassedOn, response))
}

/** What a browser may do with a dashboard's answer. */
export interface Confinement {
  /** Whether it gets an origin of its own. */
  readonly sandboxed: boolean
  /** Whether pages of other origins may show it in a frame. */
  readonly frameable: boolean
}

/**
 * On every answer, whatever its type: SVG and XML run scripts as HTML does. The sandbox gives a page an origin
 * of its own, so that it shares neither cookies nor storage with the API on the same host.
 */
export function securityHeaders({ sandboxed, frameable }: Confinement): readonly HeaderPair[] {
  const policy = [
    ...(sandboxed ? ['sandbox allow-scripts allow-popups allow-forms allow-downloads'] : []),
    ...(frameable ? [] : ["frame-ancestors 'self'"]),
  ]
  return [
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer'],
    ...(policy.length > 0 ? [['Content-Security-Policy', policy.join('; ')] as const] : []),
  ]
}

/**
 * Where a dashboard's `Location` leads, seen from outside: to its own address or root means below `base`,
 * elsewhere stays as it is.
 */
export function rewriteLocation(location: string, address: string, base: string): string {
  if (/^\/(?![/\\])/.test(location)) return base + location
  if (!/^https?:/i.test(location) || !URL.canParse(location)) return location
  const url = new URL(location)
  if (url.origin !== new URL(address).origin) return location
  return base + url.pathname + url.search + url.hash
}

/** `host:port` of `http://host:port`, with brackets where the host is an IPv6 address. */
export function authorityOf(address: string): Authority {
  // Each request asks twice, mostly for the same few.
  const known = authorities.get(address)
  if (known !== undefined) return known
  const url = new URL(address)
  const bare = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const authority = {
    host: isIPv6(bare) ? bare : url.hostname,
    port: Number(url.port || 80),
    authority: url.host,
  }
  if (authorities.size >= keptAuthorities) authorities.clear()
  authorities.set(address, authority)
  return authority
}

interface Authority {
  readonly host: string
  readonly port: number
  readonly authority: string
}

const keptAuthorities = 1000
const authorities = new Map<string, Authority>()

/** RFC 9110, 7.6.1: these belong to one connection, as does what `Connection` names. */
const hopByHop = [
  ...['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'proxy-authenticate', 'proxy-authorization', 'http2-settings'],
]

/**
 * No cookie is the dashboard's: it can set none. So all that come are ours or a neighbour's on the same host
 * (JupyterHub's), and none is sent on. `Expect` has been answered by our own server.
 */
const neverSent = new Set([
  ...hopByHop,
  ...['host', 'authorization', 'cookie', 'cookie2', 'expect'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'],
])

/** Headers by which one answer rules over more of the origin than itself, and those that we set ourselves. */
const neverPassedOn = new Set([
  ...hopByHop,
  ...['set-cookie', 'set-cookie2', 'service-worker-allowed', 'clear-site-data'],
  ...['www-authenticate', 'authentication-info', 'proxy-authentication-info', 'set-login'],
  ...['strict-transport-security', 'public-key-pins', 'expect-ct', 'alt-svc', 'accept-ch'],
  ...['critical-ch', 'nel', 'report-to', 'reporting-endpoints', 'origin-agent-cluster'],
  ...['use-as-dictionary', 'secure-session-registration', 'sec-session-registration'],
  ...['access-control-allow-credentials', 'content-security-policy', 'referrer-policy'],
  ...['content-security-policy-report-only', 'x-content-type-options'],
])

function pairs(message: IncomingMessage): HeaderPair[] {
  const raw = message.rawHeaders
  return Array.from({ length: raw.length / 2 }, (_, index) => [
    raw[2 * index] ?? '',
    raw[2 * index + 1] ?? '',
  ])
}

function keepUnless(dropped: ReadonlySet<string>, message: IncomingMessage) {
  const named = (message.headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    // A message must not take away by `Connection` what frames it.
    .filter((name) => name !== 'content-length')
  return ([name]: HeaderPair) =>
    !dropped.has(name.toLowerCase()) && !named.includes(name.toLowerCase())
}

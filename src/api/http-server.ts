import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { BlockList } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Client, clientOf, introduce } from './client.ts'
import { isHost } from './public-address.ts'
import { answerUpgradeProbe, isUpgradeProbe } from './upgrade-probe.ts'

/** What serves the paths below `/clusters/`. */
export interface DashboardHandlers {
  handleRequest(request: IncomingMessage, response: ServerResponse, client: Client): void
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: Client): void
}

export interface HttpServerOptions {
  /** Answers everything that is not a dashboard; paths come without the prefix. */
  readonly api: (request: IncomingMessage, response: ServerResponse) => void
  readonly dashboards: DashboardHandlers | null
  /** A host name where only dashboards are served: their pages must meet neither the API nor its cookies. */
  readonly dashboardHost: string | null
  /** Empty, or beginning with a slash and not ending with one. */
  readonly prefix: string
  /** Whether users are to come by HTTPS. */
  readonly redirectToHttps: boolean
  readonly trustedProxies: BlockList
}

export interface HttpServer {
  /** Takes a connection from a door, its bytes unread or put back. */
  accept(socket: Duplex, client: Client): void
  /** Ends idle connections at once and waits for the others up to `limitMs`. */
  close(limitMs: number): Promise<void>
}

/**
 * The one HTTP server behind all doors. It listens nowhere itself. What limits a slow or silent sender ends with the
 * request's last byte, so that `?wait`, streams and watches may last.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const server = createServer({
    maxHeaderSize: 32 * 1024,
    headersTimeout: 20_000,
    requestTimeout: 300_000,
    connectionsCheckingInterval: 5_000,
    // Longer than the 15 s of aiohttp, which does not repeat a POST that met a closing connection.
    keepAliveTimeout: 75_000,
    insecureHTTPParser: false,
    requireHostHeader: true,
    // Everything else that asks for an upgrade gets its answer in plain HTTP/1.1.
    shouldUpgradeCallback: (request) =>
      isDashboard(request.url ?? '', options) ||
      isUpgradeProbe(withoutPrefix(request.url ?? '', options.prefix), request),
  })
  server.maxHeadersCount = 200
  const answers = new Set<ServerResponse>()
  let whenAnswered: (() => void) | null = null
  server.on('request', (request, response) => {
    answers.add(response)
    response.once('close', () => {
      answers.delete(response)
      if (answers.size === 0) whenAnswered?.()
    })
    if (whenAnswered !== null) response.shouldKeepAlive = false
    dispatch(request, response, options)
  })
  server.on('upgrade', (request, socket, head) => dispatchUpgrade(request, socket, head, options))
  // node:http begins to watch its time limits when it listens.
  server.emit('listening')

  return {
    accept(socket, client) {
      introduce(socket, client, options.trustedProxies)
      server.emit('connection', socket)
    },
    async close(limitMs) {
      const { promise: answered, resolve } = Promise.withResolvers<void>()
      whenAnswered = resolve
      for (const response of answers) response.shouldKeepAlive = false
      server.closeIdleConnections()
      const timer = setTimeout(resolve, limitMs)
      if (answers.size > 0) await answered
      clearTimeout(timer)
      server.closeAllConnections()
      // Ends the watch over time limits; it never listened, so there is nothing else to close.
      server.close(() => {})
    },
  }
}

function dispatch(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpServerOptions,
): void {
  if (!isClear(request)) {
    response.shouldKeepAlive = false
    answerPlainly(response, 400, 'A request names one Host, and HTTP/1.1')
    return
  }
  const client = clientOf(request)
  if (client.public) {
    if (options.redirectToHttps && !client.secure) {
      redirectToHttps(request, response)
      return
    }
    const path = withoutPrefix(request.url ?? '', options.prefix)
    // Cookies have the path `PREFIX/`, so that at `PREFIX` a browser would send none.
    if (path?.startsWith('/') === false) {
      response.writeHead(308, { location: `${options.prefix}/${path}`, 'content-length': 0 })
      response.end()
      return
    }
    if (path === null) {
      answerPlainly(response, 404, 'There is nothing at this path')
      return
    }
    request.url = path
    if (options.dashboards !== null && path.startsWith('/clusters/')) {
      options.dashboards.handleRequest(request, response, client)
      return
    }
    if (options.dashboardHost !== null && hostNameOf(request) === options.dashboardHost) {
      answerPlainly(response, 404, 'There are only dashboards here')
      return
    }
  }
  options.api(request, response)
}

function dispatchUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: HttpServerOptions,
): void {
  const client = clientOf(request)
  const path = withoutPrefix(request.url ?? '', options.prefix)
  const insecure = options.redirectToHttps && !client.secure
  if (client.public && !insecure && isUpgradeProbe(path, request)) {
    answerUpgradeProbe(request, socket)
    return
  }
  const isNone = !client.public || insecure || !isClear(request)
  if (isNone || path === null || options.dashboards === null) {
    const answer = 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
    // The HTTP server has let go of it: half open and unread, it would stay for ever.
    socket.on('error', () => socket.destroy())
    socket.end(answer, () => socket.destroy())
    return
  }
  request.url = path
  options.dashboards.handleUpgrade(request, socket, head, client)
}

/** Nothing that another server on the way could read differently (RFC 9112, sections 2.3 and 3.2). */
function isClear({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === 'host')
  const isKnown = httpVersion === '1.1' || httpVersion === '1.0'
  return isKnown && hosts.length <= 1
}

function isDashboard(url: string, options: HttpServerOptions): boolean {
  return withoutPrefix(url, options.prefix)?.startsWith('/clusters/') ?? false
}

/** The path below the prefix; without a slash at its beginning where it is the prefix itself; null when it lies elsewhere. */
function withoutPrefix(url: string, prefix: string): string | null {
  if (!url.startsWith('/')) return null
  if (prefix === '') return url
  if (!url.startsWith(prefix)) return null
  const rest = url.slice(prefix.length)
  return rest === '' || /^[/?]/.test(rest) ? rest : null
}

function hostNameOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').replace(/:\d*$/, '').toLowerCase()
}

function redirectToHttps(request: IncomingMessage, response: ServerResponse): void {
  const { host = '' } = request.headers
  const url = request.url ?? ''
  if (!isHost(host) || !/^\/[\x21-\x7e]*$/.test(url)) {
    answerPlainly(response, 400, 'Use https')
    return
  }
  response.writeHead(308, { location: `https://${host}${url}`, 'content-length': 0 })
  response.end()
}

function answerPlainly(response: ServerResponse, status: number, text: string): void {
  const code = status === 404 ? 'not-found' : 'invalid'
  const body = JSON.stringify({ error: text, code })
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

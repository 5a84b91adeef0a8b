import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Logger } from '../core/index.ts'
import { decodeProxyHeader, proxySignature } from '../util/index.ts'
import { plainAddress } from './client.ts'
import type { Door } from './door.ts'
import { readFirstBytes, type Verdict } from './first-bytes.ts'
import type { HttpServer } from './http-server.ts'
import type { OpenWatches } from './route-watch.ts'

// The first byte of a TLS record that holds a hello (RFC 8446, section 5.1); no HTTP method begins with it.
const tlsHandshake = 0x16

interface PublicConnection {
  readonly address: string
  readonly encrypted: boolean
}

export interface AcceptOptions {
  readonly http: HttpServer
  /** null: no certificate is configured. */
  readonly secureContext: (() => SecureContext) | null
  readonly openWatches: OpenWatches
  readonly logger: Logger
}

/**
 * The proxy's socket: every connection begins with a PROXY header, since it is the proxy's own directory; then comes what
 * the user sent, HTTP or TLS.
 */
export function servePublicDoor(door: Door, options: AcceptOptions): void {
  door.serve((socket) => takeProxied(socket, options))
}

/**
 * `DaskGateway.address`: plain HTTP of our own side. What begins with a PROXY header is a user's connection, and is
 * believed only from where a proxy with the token watches the routes at that moment.
 */
export function servePrivateDoor(door: Door, options: AcceptOptions): void {
  door.serve((socket) => {
    const address = plainAddress(socket.remoteAddress ?? '')
    readFirstBytes(socket, privateVerdict, (kind) => {
      if (kind === 'http') {
        options.http.accept(socket, { address, secure: false, public: false })
        socket.resume()
      } else void admitProxied(socket, address, options)
    })
  })
}

const watchWaitMs = 5000
const watchLookMs = 50

/**
 * After a start of the gateway, users' connections may come sooner than the watch of the proxy that sends them, so a
 * stranger's connection is closed only when no watch has come from there for a while. Its bytes wait unread.
 */
async function admitProxied(
  socket: Socket,
  address: string,
  options: AcceptOptions,
): Promise<void> {
  const until = performance.now() + watchWaitMs
  while (!options.openWatches.has(address) && !socket.destroyed && performance.now() < until)
    await delay(watchLookMs)
  if (socket.destroyed) return
  if (options.openWatches.has(address)) {
    takeProxied(socket, options)
    socket.resume()
    return
  }
  options.logger.warn('Closed a connection with a PROXY header from no proxy of ours', { address })
  socket.destroy()
}

// No HTTP method begins with the first byte of a PROXY header.
function privateVerdict(bytes: Buffer): Verdict<'http' | 'proxied'> {
  return {
    state: 'known',
    what: bytes[0] === proxySignature[0] ? 'proxied' : 'http',
    rest: bytes,
  }
}

function takeProxied(socket: Socket, options: AcceptOptions): void {
  const { http, secureContext } = options
  readFirstBytes(socket, proxiedVerdict, ({ address, encrypted }) => {
    if (!encrypted) {
      http.accept(socket, { address, secure: false, public: true })
      socket.resume()
    } else if (secureContext === null) {
      socket.destroy()
    } else {
      const tls = new TLSSocket(socket, {
        isServer: true,
        secureContext: secureContext(),
        ALPNProtocols: ['http/1.1'],
      })
      // Its handshake falls under the HTTP server's limit for headers.
      http.accept(tls, { address, secure: true, public: true })
    }
  })
}

/** The header, and the first byte after it. */
function proxiedVerdict(bytes: Buffer): Verdict<PublicConnection> {
  const result = decodeProxyHeader(bytes)
  if (result.state === 'need-more') return { state: 'more' }
  if (result.state === 'error') return { state: 'refused' }
  const { header, rest } = result
  if (rest.length === 0) return { state: 'more' }
  // Without a source (LOCAL, UNSPEC) it is the proxy's own, such as a health check.
  const source = header.command === 'proxy' ? header.source : null
  const address = source === null || source.family === 'unix' ? '127.0.0.1' : source.address
  return {
    state: 'known',
    what: { address: plainAddress(address), encrypted: rest[0] === tlsHandshake },
    rest,
  }
}

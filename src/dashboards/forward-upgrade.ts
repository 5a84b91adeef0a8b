import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { refuseUpgrade } from './reply.ts'
import {
  answerHeaders,
  openRequest,
  problemOf,
  type Upstream,
  type UpstreamLimits,
} from './upstream.ts'

/** How long the second side may go on after the first has ended. */
const lingerMs = 30_000

/** A wire that has said nothing this long is asked whether it is still there. */
const keepAliveMs = 60_000

/** What must hold of a request to open a WebSocket (RFC 6455, 4.1): no body that a server could take for frames. */
export function isWebSocketRequest(request: IncomingMessage): boolean {
  const { upgrade, 'content-length': length, 'transfer-encoding': encoding } = request.headers
  const hasBody = encoding !== undefined || (length !== undefined && length !== '0')
  return request.method === 'GET' && upgrade?.toLowerCase() === 'websocket' && !hasBody
}

/** Opens the WebSocket at the dashboard and joins the two wires; frames are moved unread. */
export function forwardUpgrade(
  socket: Duplex,
  head: Buffer,
  upstream: Upstream,
  limits: UpstreamLimits,
): void {
  const headers = [
    ...upstream.headers,
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
  ] as const
  const outgoing = openRequest('GET', { ...upstream, headers }, false, limits)
  const abandon = () => outgoing.destroy()
  socket.once('close', abandon)
  socket.on('error', () => socket.destroy())
  const fail = (problem: string) => {
    outgoing.destroy()
    if (!socket.destroyed) refuseUpgrade(socket, 502, `The dashboard does not answer: ${problem}`)
  }
  outgoing.on('error', (error) => fail(problemOf(error)))
  outgoing.on('response', (incoming) => {
    incoming.resume()
    refuse(socket, incoming.statusCode ?? 502)
    outgoing.destroy()
  })
  outgoing.on('upgrade', (incoming, wire: Socket, first) => {
    if (incoming.headers.upgrade?.toLowerCase() !== 'websocket') {
      wire.destroy()
      return fail('it changed to another protocol')
    }
    socket.off('close', abandon)
    writeHead(socket, incoming, upstream)
    if (first.length > 0) wire.unshift(first)
    if (head.length > 0) socket.unshift(head)
    join(socket, wire)
  })
  outgoing.end()
}

/** The dashboard's own refusal: its status tells enough. */
function refuse(socket: Duplex, status: number): void {
  const known = status >= 400 && status < 600 ? status : 502
  refuseUpgrade(socket, known, `The dashboard refused the WebSocket with status ${status}`)
}

function writeHead(socket: Duplex, incoming: IncomingMessage, upstream: Upstream): void {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...answerHeaders(incoming, upstream).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Moves bytes both ways, at the pace of the slower, until both have ended or one is gone. */
function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    if (from instanceof Socket) {
      from.setTimeout(0)
      from.setNoDelay(true)
      from.setKeepAlive(true, keepAliveMs)
    }
    from.on('error', () => from.destroy())
    from.once('end', () => {
      if (to.destroyed) return
      const linger = setTimeout(() => to.destroy(), lingerMs)
      to.once('close', () => clearTimeout(linger))
    })
    // Nobody is left to hear the other side: it is given what is still to be said, and ended.
    from.once('close', () => {
      if (from.readableEnded) to.end(() => to.destroy())
      else to.destroy()
    })
    from.pipe(to)
  }
}

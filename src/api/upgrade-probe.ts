import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Without a login: it proves that upgrades come through all proxies, before anybody's dashboard needs them. */
export const upgradeProbePath = '/livez'

// RFC 6455, 4.2.2: what the answer's key is made with.
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
// RFC 6455, 5.5.1: a close frame with status 1000, normal.
const goodbye = Buffer.of(0x88, 0x02, 0x03, 0xe8)

/** Whether it opens a WebSocket at the probe's path. Anything else there is answered in plain HTTP. */
export function isUpgradeProbe(path: string | null, request: IncomingMessage): boolean {
  const { upgrade, 'sec-websocket-key': key } = request.headers
  return (
    path?.split('?')[0] === upgradeProbePath &&
    request.method === 'GET' &&
    upgrade?.toLowerCase() === 'websocket' &&
    /^[A-Za-z0-9+/]{22}==$/.test(key ?? '')
  )
}

/** Opens the WebSocket and closes it at once. */
export function answerUpgradeProbe(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1').update(`${key}${magic}`).digest('base64')
  const head = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${accept}`,
  ]
  socket.on('error', () => socket.destroy())
  socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
  socket.end(goodbye, () => socket.destroy())
}

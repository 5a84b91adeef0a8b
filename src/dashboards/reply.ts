import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { isNavigation } from './access.ts'
import { securityHeaders } from './headers.ts'

/** Answers with a sentence: as text to a person's browser, as JSON to everything else. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  sentence: string,
): void {
  const [type, body] = bodyOf(request, sentence)
  own(response)
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    // What is left of a body that nobody reads must not be taken for the next request.
    ...(request.complete ? {} : { Connection: 'close' }),
  })
  response.end(body)
}

export function redirect(response: ServerResponse, location: string): void {
  own(response)
  response.writeHead(302, { Location: location, 'Content-Length': 0 })
  response.end()
}

/** The same for a request to upgrade, whose socket is ours to write to and to close. */
export function refuseUpgrade(socket: Duplex, status: number, sentence: string): void {
  const body = JSON.stringify({ error: sentence })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    'Cache-Control: no-store',
    ...securityHeaders(shut).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.on('error', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

/**
 * Our own answers need no script, so they may be sandboxed wherever they are. They say nothing secret and offer
 * nothing to click: where a dashboard is embedded, they tell there why it is missing.
 */
const shut = { sandboxed: true, frameable: true }

function own(response: ServerResponse): void {
  for (const [name, value] of securityHeaders(shut)) response.setHeader(name, value)
  response.setHeader('Cache-Control', 'no-store')
}

function bodyOf(request: IncomingMessage, sentence: string): readonly [string, string] {
  if (isNavigation(request)) return ['text/plain; charset=utf-8', `${sentence}\n`]
  return ['application/json; charset=utf-8', JSON.stringify({ error: sentence })]
}

import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { messageOf } from '../../core/index.ts'
import { type Place, serverNameOf } from './place.ts'

export interface HttpAnswer {
  readonly status: number
  /** The first bytes of the body. */
  readonly text: string
  /** 101, with the right protocol. */
  readonly upgraded: boolean
  /** What the Server and Via headers say of those on the way. */
  readonly by: string
  /** Why the certificate would not be trusted by others; null: it would, or there is none. */
  readonly distrust: string | null
  /** When the certificate ends, milliseconds since the epoch; null: there is none. */
  readonly certificateEndsAt: number | null
}

/** Why there was no answer. */
export interface NoAnswer {
  readonly reason: string
}

const maxTextBytes = 16 * 1024

/** One request on a connection of its own. A certificate that is not trusted is noted, and the request goes on: it holds nothing secret. */
export function ask(
  place: Place,
  path: string,
  signal: AbortSignal,
  how: {
    readonly upgrade?: boolean
    readonly method?: string
    readonly headers?: { readonly [name: string]: string }
    readonly body?: string
  } = {},
): Promise<HttpAnswer | NoAnswer> {
  const { promise, resolve } = Promise.withResolvers<HttpAnswer | NoAnswer>()
  const send = place.secure ? requestHttps : requestHttp
  const asked = send({
    host: place.host,
    port: place.port,
    path: place.prefix + path,
    method: how.method ?? 'GET',
    headers: { host: hostHeader(place), ...how.headers, ...(how.upgrade ? upgradeHeaders() : {}) },
    servername: serverNameOf(place.host),
    rejectUnauthorized: false,
    agent: false,
    signal,
  })
  asked.on('error', (error) => resolve({ reason: messageOf(error) }))
  asked.on('response', async (response) => {
    const tls = certificateOf(response)
    const text = await firstText(response).catch(() => '')
    asked.destroy()
    resolve({ ...headOf(response), ...tls, text, upgraded: false })
  })
  asked.on('upgrade', (response, socket) => {
    const upgraded = response.headers.upgrade?.toLowerCase() === 'websocket'
    resolve({ ...headOf(response), ...certificateOf(response), text: '', upgraded })
    socket.destroy()
  })
  asked.end(how.body)
  return promise
}

function hostHeader({ host, port, secure }: Place): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === (secure ? 443 : 80) ? name : `${name}:${port}`
}

/** RFC 6455, 4.1. */
function upgradeHeaders() {
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  }
}

function headOf(response: IncomingMessage) {
  const { server, via } = response.headers
  const by = [server, via].filter((each) => each !== undefined).join(', ')
  return { status: response.statusCode ?? 0, by: by.slice(0, 100) }
}

function certificateOf(response: IncomingMessage) {
  const socket = response.socket as Partial<TLSSocket>
  if (socket.encrypted !== true) return { distrust: null, certificateEndsAt: null }
  const endsAt = Date.parse(socket.getPeerCertificate?.().valid_to ?? '')
  const error = socket.authorizationError
  return {
    distrust: error ? messageOf(error) : null,
    certificateEndsAt: Number.isNaN(endsAt) ? null : endsAt,
  }
}

async function firstText(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (text.length > maxTextBytes) break
  }
  return text
}

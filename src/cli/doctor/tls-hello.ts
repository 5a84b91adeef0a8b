import { X509Certificate } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { messageOf } from '../../core/index.ts'

/** What answers a TLS hello. */
export type HelloAnswer =
  /** Somebody with this certificate speaks TLS. */
  | { readonly kind: 'tls'; readonly certificate: PeerCertificate }
  /** The connection was closed and not a byte was sent. */
  | { readonly kind: 'closed' }
  /** TLS, but a refusal. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Something else than TLS. */
  | { readonly kind: 'not-tls'; readonly text: string }
  | { readonly kind: 'silent' }
  | { readonly kind: 'unreachable'; readonly reason: string }

export interface PeerCertificate {
  /** SHA-256. */
  readonly fingerprint: string
  /** Whose it says it is, in one line. */
  readonly subject: string
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/**
 * Sends a TLS hello with this server name, as the Python client does for a cluster, and looks at what comes. No certificate
 * is shown: a scheduler refuses then, but only after it has shown its own.
 */
export async function sayHello(
  to: Endpoint,
  serverName: string,
  signal: AbortSignal,
): Promise<HelloAnswer> {
  const { promise, resolve } = Promise.withResolvers<HelloAnswer>()
  const wire = connectTcp(to)
  let connected = false
  let first = Buffer.alloc(0)
  const duplex = new Duplex({
    read: () => void wire.resume(),
    write: (chunk, _encoding, done) => void wire.write(chunk, done),
    final: (done) => void wire.end(done),
  })
  const ended = (reason: string) => resolve(withoutTls(connected, first, reason))
  wire.once('connect', () => {
    connected = true
  })
  wire.on('data', (chunk: Buffer) => {
    if (first.length < 200) first = Buffer.concat([first, chunk])
    if (!duplex.push(chunk)) wire.pause()
  })
  wire.on('end', () => duplex.push(null))
  wire.on('error', (error) => ended(messageOf(error)))
  wire.on('close', () => ended('closed'))
  const options = { socket: duplex, servername: serverName, rejectUnauthorized: false }
  const tls = connectTls(options, () => {
    const { raw } = tls.getPeerCertificate()
    const { fingerprint256, subject } = new X509Certificate(raw)
    const certificate = { fingerprint: fingerprint256, subject: subject.replaceAll('\n', ', ') }
    resolve({ kind: 'tls', certificate })
  })
  tls.on('error', (error) => ended(messageOf(error)))
  const silent = () => resolve(connected ? { kind: 'silent' } : unreachable('no answer in time'))
  signal.addEventListener('abort', silent, { once: true })
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', silent)
    tls.destroy()
    wire.destroy()
  }
}

// Records of TLS: 20 to 23, then the version 3.x (RFC 8446, 5.1).
function withoutTls(connected: boolean, first: Buffer, reason: string): HelloAnswer {
  if (!connected) return unreachable(reason)
  const [type = 0, version = 0] = first
  if (first.length === 0) return { kind: 'closed' }
  if (type >= 20 && type <= 23 && version === 3) return { kind: 'refused', reason }
  const line = first.toString('latin1').split('\n')[0] ?? ''
  return {
    kind: 'not-tls',
    text: line
      .replace(/[^\x20-\x7e]/g, ' ')
      .trim()
      .slice(0, 80),
  }
}

function unreachable(reason: string): HelloAnswer {
  return { kind: 'unreachable', reason }
}

/** Of a PEM certificate. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256
}

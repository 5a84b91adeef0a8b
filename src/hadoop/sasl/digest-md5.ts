import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { HadoopError } from '../errors.ts'
import { readDirectives } from './directives.ts'
import type { Protection, SecurityLayer } from './protection.ts'
import { createRc4 } from './rc4.ts'

// DIGEST-MD5 (RFC 2831), the client's side: what Hadoop logs in with by tokens. One round:
//
//     server: challenge (realm, nonce, qop options, cipher options, algorithm=md5-sess)
//     client: username, realm, nonce, nc, cnonce, digest-uri, response, qop [, cipher]
//     server: rspauth, which proves that it knows the password too
//
// A1 = MD5(user:realm:password) ":" nonce ":" cnonce; A2 = "AUTHENTICATE:" uri, with ":" and 32 zeros where there is a layer
// response = HEX(MD5(HEX(H(A1)) ":" nonce ":" nc ":" cnonce ":" qop ":" HEX(H(A2)))); rspauth is the same with A2 = ":" uri
//
// After the login (sections 2.3 and 2.4), with seq counting from 0 in each direction and MAC the first ten bytes of HMAC-MD5(Ki, seq message):
//
//     integrity := message MAC 0x0001 seq           privacy := RC4(message MAC) 0x0001 seq

const qopOf = { authentication: 'auth', integrity: 'auth-int', privacy: 'auth-conf' } as const
const macBytes = 10
const trailerBytes = 6
const maximumBytes = 65536

export interface DigestOptions {
  readonly username: string
  readonly password: string
  /** `digest-uri`: the service and the server, with a slash between. */
  readonly uri: string
  /** What may be agreed on; the first that the server offers. */
  readonly protections: readonly Protection[]
  /** For tests. */
  readonly clientNonce?: string
}

export interface DigestReply {
  readonly response: Buffer
  readonly protection: Protection
  /** Checks the server's last word and gives the layer; null with `authentication`. */
  verify(lastWord: Uint8Array): SecurityLayer | null
}

export function answerDigest(challenge: Uint8Array, options: DigestOptions): DigestReply {
  const { username, password, uri } = options
  const offered = readDirectives(challenge)
  const nonce = offered.get('nonce')
  if (nonce === undefined || offered.get('algorithm') !== 'md5-sess')
    throw new HadoopError('protocol', "the server's DIGEST-MD5 challenge has no nonce or algorithm")
  const realm = offered.get('realm') ?? ''
  const protection = agreed(offered, options.protections)
  const qop = qopOf[protection]
  const clientNonce = options.clientNonce ?? randomBytes(24).toString('base64')
  const zeros = protection === 'authentication' ? '' : `:${'0'.repeat(32)}`

  const session = Buffer.concat([
    md5(`${username}:${realm}:${password}`),
    Buffer.from(`:${nonce}:${clientNonce}`),
  ])
  const key = md5(session)
  const proof = (a2: string) =>
    md5(
      `${key.toString('hex')}:${nonce}:00000001:${clientNonce}:${qop}:${md5(a2).toString('hex')}`,
    ).toString('hex')

  const directives = [
    'charset=utf-8',
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    'nc=00000001',
    `cnonce=${quoted(clientNonce)}`,
    `digest-uri=${quoted(uri)}`,
    `maxbuf=${maximumBytes}`,
    `response=${proof(`AUTHENTICATE:${uri}${zeros}`)}`,
    `qop=${qop}`,
    ...(protection === 'privacy' ? ['cipher=rc4'] : []),
  ]
  return {
    response: Buffer.from(directives.join(',')),
    protection,
    verify(lastWord) {
      const said = Buffer.from(readDirectives(lastWord).get('rspauth') ?? '')
      const expected = Buffer.from(proof(`:${uri}${zeros}`))
      if (said.length !== expected.length || !timingSafeEqual(said, expected))
        throw new HadoopError('security', 'the server does not know the password of the token')
      return protection === 'authentication' ? null : digestLayer(key, protection, 'client')
    },
  }
}

function agreed(offered: ReadonlyMap<string, string>, wanted: readonly Protection[]): Protection {
  const qops = (offered.get('qop') ?? 'auth').split(',').map((each) => each.trim())
  const protection = wanted.find((each) => qops.includes(qopOf[each]))
  if (protection === undefined)
    throw new HadoopError(
      'security',
      `the server offers ${qops.join(', ')}, but the configured protection is ${wanted.join(', ')}`,
    )
  const ciphers = (offered.get('cipher') ?? '').split(',').map((each) => each.trim())
  if (protection === 'privacy' && !ciphers.includes('rc4'))
    throw new HadoopError(
      'security',
      `the server has no cipher that we have: ${ciphers.join(', ')}`,
    )
  return protection
}

/** The layer of one side; `sessionKey` is H(A1). */
export function digestLayer(
  sessionKey: Buffer,
  protection: 'integrity' | 'privacy',
  side: 'client' | 'server',
): SecurityLayer {
  const direction = (way: 'client-to-server' | 'server-to-client') => {
    const derived = (words: string) => md5(Buffer.concat([sessionKey, Buffer.from(words)]))
    return {
      key: derived(`Digest session key to ${way} signing key magic constant`),
      cipher:
        protection === 'privacy'
          ? createRc4(derived(`Digest H(A1) to ${way} sealing key magic constant`))
          : (bytes: Buffer) => bytes,
      sequence: 0,
    }
  }
  const ours = direction(side === 'client' ? 'client-to-server' : 'server-to-client')
  const theirs = direction(side === 'client' ? 'server-to-client' : 'client-to-server')
  return {
    maximumBytes: maximumBytes - macBytes - trailerBytes,
    wrap(bytes) {
      const sequence = uint32(ours.sequence++)
      const sealed = ours.cipher(Buffer.concat([bytes, macOf(ours.key, sequence, bytes)]))
      return Buffer.concat([sealed, Buffer.from([0, 1]), sequence])
    },
    unwrap(token) {
      if (token.length < macBytes + trailerBytes) throw changed()
      const sequence = uint32(theirs.sequence++)
      const opened = theirs.cipher(token.subarray(0, -trailerBytes))
      const bytes = opened.subarray(0, -macBytes)
      const trailer = Buffer.concat([Buffer.from([0, 1]), sequence])
      const isRight =
        trailer.equals(token.subarray(-trailerBytes)) &&
        timingSafeEqual(macOf(theirs.key, sequence, bytes), opened.subarray(-macBytes))
      if (!isRight) throw changed()
      return Buffer.from(bytes)
    },
    close: () => undefined,
  }
}

const macOf = (key: Buffer, sequence: Buffer, bytes: Buffer) =>
  createHmac('md5', key).update(sequence).update(bytes).digest().subarray(0, macBytes)

const changed = () => new HadoopError('security', 'a protected message was changed on its way')
const md5 = (text: string | Buffer) => createHash('md5').update(text).digest()
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

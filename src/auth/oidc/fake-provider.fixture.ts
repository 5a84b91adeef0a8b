import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A provider that does what a real one cannot be made to do: it says whatever it is told to. */
export interface FakeProvider {
  readonly issuer: string
  readonly clientId: string
  readonly questions: {
    readonly path: string
    readonly body: string
    readonly authorization: string
  }[]
  /** Changes its discovery document. */
  document: { [name: string]: unknown }
  /** What the next ID tokens say besides the usual. */
  claims: { [name: string]: unknown }
  /** Of the next ID tokens. */
  header: { alg: string; kid?: string }
  /** The nonce that the browser was sent with. */
  nonce: string
  userinfo: { [name: string]: unknown } | null
  /** A signed JWT of these claims and the usual ones of an ID token. */
  signed(claims: { readonly [name: string]: unknown }): string
  /** Answers in its place; true: it has. */
  instead: (path: string, response: ServerResponse, request: IncomingMessage) => boolean
  /** Another key, of another name, in place of that of before. */
  rotate(): void
  /** Signs from now on with a key that it does not show. */
  lie(): void
  close(): Promise<void>
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export async function startFakeProvider(): Promise<FakeProvider> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/realm`
  let shown = newKey()
  let used: KeyObject = shown.privateKey
  const it: FakeProvider = {
    issuer,
    clientId: 'gateway',
    questions: [],
    document: {},
    claims: {},
    header: { alg: 'ES256', kid: shown.kid },
    nonce: '',
    userinfo: null,
    signed,
    instead: () => false,
    rotate() {
      shown = newKey()
      used = shown.privateKey
      it.header = { alg: 'ES256', kid: shown.kid }
    },
    lie() {
      used = newKey().privateKey
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    const { authorization = '' } = request.headers
    it.questions.push({ path, body: await text(request), authorization })
    if (it.instead(path, response, request)) return
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(bodyOf(path)))
  }

  function bodyOf(path: string): unknown {
    if (path === '/realm/.well-known/openid-configuration')
      return {
        issuer,
        authorization_endpoint: `${issuer}/authorize?kind=web`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        id_token_signing_alg_values_supported: ['ES256', 'none', 'HS256'],
        ...(it.userinfo !== null && { userinfo_endpoint: `${issuer}/userinfo` }),
        ...it.document,
      }
    if (path === '/realm/keys')
      return {
        keys: [{ ...shown.publicKey.export({ format: 'jwk' }), kid: shown.kid, use: 'sig' }],
      }
    if (path === '/realm/userinfo') return it.userinfo
    return {
      access_token: 'the-access-token',
      token_type: 'Bearer',
      id_token: signed({ nonce: it.nonce, ...it.claims }),
    }
  }

  function signed(claims: { readonly [name: string]: unknown }): string {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: issuer, aud: it.clientId, sub: 's-1', iat: now, exp: now + 300 }
    const text = `${base64(it.header)}.${base64({ ...usual, ...claims })}`
    const key = { key: used, dsaEncoding: 'ieee-p1363' } as const
    const signature = it.header.alg === 'none' ? '' : sign('sha256', Buffer.from(text), key)
    return `${text}.${signature === '' ? '' : signature.toString('base64url')}`
  }

  return it
}

function newKey() {
  return { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }), kid: randomUUID() }
}

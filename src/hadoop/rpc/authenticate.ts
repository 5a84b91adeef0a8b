import { type Initiator, KerberosError, type SecurityContext } from '../../kerberos/index.ts'
import { HadoopError, messageOf } from '../errors.ts'
import type { rpcSasl, saslAuth } from '../messages/rpc.ts'
import type { token } from '../messages/security.ts'
import { answerDigest } from '../sasl/digest-md5.ts'
import { answerGssOffer } from '../sasl/gssapi.ts'
import type { Protection, SecurityLayer } from '../sasl/protection.ts'
import type { MessageOf } from '../wire/message.ts'
import { type ExpectedServer, serverPrincipal } from './service-principal.ts'

export type Token = MessageOf<typeof token>
type RpcSasl = MessageOf<typeof rpcSasl>
type SaslAuth = MessageOf<typeof saslAuth>

/** With what a client logs in. `simple` is no login: the name is believed. */
export type Login =
  | { readonly kind: 'simple'; readonly user: string }
  | { readonly kind: 'kerberos'; readonly initiator: Initiator }
  | { readonly kind: 'token'; readonly token: Token }

export interface AuthenticateOptions {
  readonly login: Exclude<Login, { kind: 'simple' }>
  /** What may be agreed on, the dearest first; nothing else is accepted. */
  readonly protections: readonly Protection[]
  readonly server: ExpectedServer
  /** Sends a message and gives the answer to it. */
  readonly ask: (message: RpcSasl) => Promise<RpcSasl>
}

// The login of Hadoop RPC: RpcSasl messages to and fro.
//
//     client NEGOTIATE                           server NEGOTIATE, the ways to log in
//     by token:   client INITIATE, response      server SUCCESS, rspauth
//     by Kerberos: client INITIATE, AP-REQ       server CHALLENGE, AP-REP
//                 client RESPONSE, empty         server CHALLENGE, layers offered
//                 client RESPONSE, layer chosen  server SUCCESS

/** Logs in, and gives the layer for what follows; null: it goes as it is. */
export async function authenticate(options: AuthenticateOptions): Promise<SecurityLayer | null> {
  const offer = await options.ask({ state: 'NEGOTIATE' })
  if (offer.state !== 'NEGOTIATE') throw unexpected(offer)
  const { login } = options
  const [method, mechanism] =
    login.kind === 'token' ? ['TOKEN', 'DIGEST-MD5'] : ['KERBEROS', 'GSSAPI']
  const auth = offer.auths?.find((each) => each.method === method && each.mechanism === mechanism)
  if (auth === undefined) {
    const offered = offer.auths?.map((each) => each.method).join(', ') || 'nothing'
    throw new HadoopError('security', `the server does not offer ${method} but ${offered}`)
  }
  return login.kind === 'token'
    ? byToken(options, login.token, auth)
    : byKerberos(options, login.initiator, auth)
}

async function byToken(
  { ask, protections }: AuthenticateOptions,
  token: Token,
  auth: SaslAuth,
): Promise<SecurityLayer | null> {
  const reply = answerDigest(auth.challenge ?? Buffer.alloc(0), {
    username: Buffer.from(token.identifier).toString('base64'),
    password: Buffer.from(token.password).toString('base64'),
    uri: `${auth.protocol ?? ''}/${auth.serverId ?? ''}`,
    protections,
  })
  const { challenge: _, ...chosen } = auth
  const last = await ask({ state: 'INITIATE', token: reply.response, auths: [chosen] })
  if (last.state !== 'SUCCESS' || last.token === undefined) throw unexpected(last)
  return reply.verify(last.token)
}

async function byKerberos(
  { ask, protections, server }: AuthenticateOptions,
  initiator: Initiator,
  auth: SaslAuth,
): Promise<SecurityLayer | null> {
  const offered = { service: auth.protocol ?? '', host: auth.serverId ?? '' }
  const context = initiator.begin(await serverPrincipal(offered, server))
  let isKept = false
  try {
    let step = await stepped(context, null)
    let said = await ask({ state: 'INITIATE', token: step.token ?? Buffer.alloc(0), auths: [auth] })
    while (!step.done) {
      step = await stepped(context, tokenOf(said))
      said = await ask({ state: 'RESPONSE', token: step.token ?? Buffer.alloc(0) })
    }
    const { response, layer } = answerGssOffer(tokenOf(said), context, protections)
    const last = await ask({ state: 'RESPONSE', token: response })
    if (last.state !== 'SUCCESS') throw unexpected(last)
    isKept = layer !== null
    return layer
  } finally {
    // The layer goes on using it, and closes it.
    if (!isKept) context.close()
  }
}

async function stepped(context: SecurityContext, token: Uint8Array | null) {
  try {
    return await context.step(token)
  } catch (cause) {
    const isAway = cause instanceof KerberosError && cause.reason === 'unavailable'
    throw new HadoopError(isAway ? 'unreachable' : 'security', messageOf(cause), { cause })
  }
}

function tokenOf(said: RpcSasl): Uint8Array {
  if (said.state !== 'CHALLENGE' || said.token === undefined) throw unexpected(said)
  return said.token
}

function unexpected(said: RpcSasl): HadoopError {
  return new HadoopError('protocol', `the server says ${said.state} where it should not`)
}

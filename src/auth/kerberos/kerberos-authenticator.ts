import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type Authenticator,
  type AuthResult,
  GatewayError,
  type Logger,
  messageOf,
} from '../../core/index.ts'
import { createAcceptor, isMeant, KerberosError, readKeytab } from '../../kerberos/index.ts'
import { faultOfName } from '../user-name.ts'
import { defaultRule, parseRule } from './local-name.ts'
import { parsePrincipal } from './principal.ts'

export interface KerberosSettings {
  readonly service_name: string
  readonly keytab: string
  /** null: that of the keytab. */
  readonly realms: readonly string[] | null
  /** null: `alice@REALM` is alice. */
  readonly auth_to_local: readonly string[] | null
}

/**
 * HTTP's Negotiate (RFC 4559): a ticket proves who sent it, and the reply proves the gateway. One round; a ticket that another
 * request has used already is refused by the library, as are those for other services.
 */
export function createKerberosAuthenticator(
  settings: KerberosSettings,
  logger: Logger,
): Authenticator {
  const service = settings.service_name
  const keytab = resolve(settings.keytab)
  const rules = settings.auth_to_local?.map(parseRule) ?? [defaultRule]
  const acceptor = createAcceptor({ keytab, service })
  let realms: readonly string[] = settings.realms ?? []

  async function judge(token: Buffer): Promise<AuthResult> {
    const context = acceptor.begin()
    try {
      const { token: reply, done } = await context.step(token)
      if (!done) return refused('The token asks for more rounds, which HTTP has no place for')
      const name = userOf(context.names().initiator)
      if (name === null)
        return refused(`${printable(context.names().initiator)} is no user of this gateway`)
      const user = { name, groups: [], admin: false }
      // Without it, the client does not know that the gateway is the one it asked for.
      const mutual = reply === null ? '' : ` ${reply.toString('base64')}`
      return {
        outcome: 'accepted',
        user,
        replyHeaders: { 'www-authenticate': `Negotiate${mutual}` },
      }
    } catch (error) {
      if (error instanceof KerberosError && error.reason === 'refused')
        return refused(printable(error.message))
      logger.error(`No Kerberos ticket can be checked: ${messageOf(error)}`)
      throw new GatewayError(
        'unavailable',
        'The gateway cannot check Kerberos tickets for now; its log says why',
        { cause: error },
      )
    } finally {
      context.close()
    }
  }

  /** null: of another realm, no rule has a user for it, or one that cannot be. */
  function userOf(text: string): string | null {
    const principal = parsePrincipal(text)
    if (principal === null || !realms.includes(principal.realm)) return null
    for (const rule of rules) {
      const name = rule(principal)
      if (name !== null) return /[/@\\]/.test(name) || faultOfName(name) !== null ? null : name
    }
    return null
  }

  return {
    challenge: 'Negotiate',
    login: { form: 'negotiate' },
    open: false,
    async start() {
      try {
        await acceptor.check()
        realms = settings.realms ?? [await onlyRealm(keytab, service)]
      } catch (error) {
        if (!(error instanceof KerberosError)) throw error
        throw new GatewayError(
          'configuration',
          `KerberosAuthenticator.keytab and service_name: ${error.message}`,
          { cause: error },
        )
      }
      if (((await stat(keytab)).mode & 0o007) !== 0)
        logger.warn(`Everybody on this machine may use the keytab: chmod 400 ${keytab}`)
      logger.info('Users log in by Kerberos', { keytab, service, realms: realms.join(', ') })
    },
    async stop() {
      acceptor.close()
    },
    async authenticate({ authorization }) {
      if (authorization === null) return refused('Authentication required')
      const token = negotiateToken(authorization)
      return typeof token === 'string' ? refused(token) : judge(token)
    },
  }
}

function refused(reason: string): AuthResult {
  return { outcome: 'refused', reason }
}

/** For a log and for HTTP's reason phrase. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 150)
}

/** Users of two realms with the same name would be one user, so more than one must be somebody's choice. */
async function onlyRealm(keytab: string, service: string): Promise<string> {
  const entries = await readKeytab(keytab)
  const [first, ...others] = new Set(
    entries.filter(({ principal }) => isMeant(principal, service)).map(({ realm }) => realm),
  )
  if (first !== undefined && others.length === 0) return first
  throw new GatewayError(
    'configuration',
    `KerberosAuthenticator.realms must say whose users may come: the keytab ${keytab} has ${service} in the realms ${[first, ...others].join(', ')}`,
  )
}

// Larger than any ticket that fits in a request's header.
const maxTokenBytes = 48 * 1024

/** The bytes after `Negotiate`, or in words what is wrong with the header. */
function negotiateToken(authorization: string): string | Buffer {
  const match = /^negotiate +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)
  if (match === null) {
    return /^negotiate(?: |$)/i.test(authorization)
      ? 'The Authorization header is malformed: after "Negotiate" comes base64 of a token'
      : 'This gateway takes an Authorization header of the kind "Negotiate"'
  }
  const token = Buffer.from(match[1] ?? '', 'base64')
  if (token.length === 0) return 'The Kerberos token is empty'
  if (token.length > maxTokenBytes) return 'The Kerberos token is larger than 48 KiB'
  // What browsers send that have no ticket, or may not use it here.
  if (token.toString('latin1', 0, 7) === 'NTLMSSP')
    return 'This is a token of NTLM, not of Kerberos: there is no ticket for this address'
  return token
}

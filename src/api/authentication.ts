import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Authenticator,
  type AuthResult,
  GatewayError,
  type Session,
  type Sessions,
  type User,
} from '../core/index.ts'
import { clientOf } from './client.ts'
import { cookieValues } from './cookies.ts'
import { isForeign } from './cross-site.ts'
import { createThrottle } from './throttle.ts'

/** Somebody who sent a request, and how that is known. */
export interface Caller {
  readonly user: User
  /** As the authenticator knows them: what a session remembers. */
  readonly proved: User
  /** `header`: the successful reply begins a session. */
  readonly by: 'session' | 'header'
  readonly replyHeaders: { readonly [name: string]: string }
}

/** Answers "who sent this request?" for the API, the pages and the dashboards. */
export interface Authentication {
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  /** The session of the request's cookie, and the cookie's value; null: none. */
  sessionOf(request: IncomingMessage): { readonly session: Session; readonly value: string } | null
  /**
   * At once where a session tells, otherwise by the authenticator. Throws 'unauthenticated' with the reason, and
   * 'forbidden' when a page of another origin would change something by the cookie.
   */
  callerOf(request: IncomingMessage): Caller | Promise<Caller>
  /** For dashboards: by session or by header; null: nobody that we know. */
  authenticateForDashboard(request: IncomingMessage): Promise<User | null>
}

/** A browser adds a password that it remembers, or a Kerberos ticket, to what any page sends. */
function isSentByItself(authorization: string | undefined): boolean {
  return /^(?:basic|negotiate) /i.test(authorization ?? '')
}

const readingMethods: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** `roles`: the user with the rights that the configuration gives, whatever a session remembers. */
export function createAuthentication(
  authenticator: Authenticator,
  sessions: Sessions,
  roles: (user: User) => User = (user) => user,
): Authentication {
  // Whoever guesses by the header gets slow answers; others at the same address (a whole hub) notice nothing.
  const guesses = createThrottle(20, 60_000)

  function sessionOf(request: IncomingMessage) {
    for (const value of cookieValues(request.headers.cookie, sessions.cookieName)) {
      const session = sessions.find(value)
      if (session !== null) return { session, value }
    }
    return null
  }

  /** A failure counts as a guess too: a JupyterHub answers to tokens that it does not know with one. */
  async function judged(authorization: string, address: string): Promise<AuthResult> {
    let result: AuthResult | null = null
    try {
      result = await authenticator.authenticate({ authorization, address })
      return result
    } finally {
      if (result?.outcome !== 'accepted') {
        if (guesses.waitSeconds(address) > 0) await sleep(500)
        guesses.failed(address)
      }
    }
  }

  async function callerByHeader(request: IncomingMessage): Promise<Caller> {
    const { authorization } = request.headers
    if (authorization === undefined) {
      throw new GatewayError('unauthenticated', 'Authentication required')
    }
    const address = clientOf(request).address
    const result = await judged(authorization, address)
    if (result.outcome === 'refused') throw new GatewayError('unauthenticated', result.reason)
    return {
      user: roles(result.user),
      proved: result.user,
      by: 'header',
      replyHeaders: result.replyHeaders ?? {},
    }
  }

  return {
    authenticator,
    sessions,
    sessionOf,
    callerOf(request) {
      const found = sessionOf(request)
      const byBrowser = found !== null || isSentByItself(request.headers.authorization)
      if (byBrowser && !readingMethods.has(request.method) && isForeign(request.headers)) {
        throw new GatewayError(
          'forbidden',
          'A page of another origin may not change anything here in your name',
        )
      }
      if (found === null) return callerByHeader(request)
      const { user } = found.session
      return { user: roles(user), proved: user, by: 'session', replyHeaders: {} }
    },
    async authenticateForDashboard(request) {
      const found = sessionOf(request)
      if (found !== null) return roles(found.session.user)
      try {
        return (await callerByHeader(request)).user
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'unauthenticated') return null
        throw error
      }
    },
  }
}

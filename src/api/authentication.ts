import type { IncomingMessage } from 'node:http'
import {
  type AccessToken,
  type AccessTokens,
  type Authenticator,
  type AuthResult,
  GatewayError,
  includesScope,
  type Logger,
  type Session,
  type Sessions,
  type TokenScope,
  type User,
} from '../core/index.ts'
import { clientOf } from './client.ts'
import { cookieValues } from './cookies.ts'
import { isForeign } from './cross-site.ts'
import { createGuessLimit, type GuessLimit } from './guess-limit.ts'
import { type PresentedToken, tokenInHeader } from './token-in-header.ts'

/** Somebody who sent a request, and how that is known. */
export interface Caller {
  readonly user: User
  /** As the authenticator knows them: what a session or a token remembers. */
  readonly proved: User
  /** `header`: the successful reply begins a session. */
  readonly by: 'session' | 'header' | 'token'
  /** What it was sent with, when `by` says so. */
  readonly token: AccessToken | null
  readonly replyHeaders: { readonly [name: string]: string }
}

/** Answers "who sent this request?" for the API, the pages and the dashboards. */
export interface Authentication {
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  /** Told of every refusal. */
  readonly guesses: GuessLimit
  /** null: there are none. */
  readonly tokens: AccessTokens | null
  /** The session of the request's cookie, and the cookie's value; null: none. */
  sessionOf(request: IncomingMessage): { readonly session: Session; readonly value: string } | null
  /**
   * At once where a session tells, otherwise by the authenticator. Throws 'unauthenticated' with the reason, and
   * 'forbidden' when a page of another origin would change something by the cookie, or when the request came with a
   * token of less than the scope that is needed; null: no token will do.
   */
  callerOf(request: IncomingMessage, needed: TokenScope | null): Caller | Promise<Caller>
  /** Whether the caller of an answer that goes on may still have it. */
  stillHolds(request: IncomingMessage, caller: Caller): boolean
  /** For dashboards, behind which are programs: by session, header or token; null: nobody that we know. */
  authenticateForDashboard(request: IncomingMessage): Promise<User | null>
}

/** What the configuration has to say of users; without: nothing. */
export interface UserRules {
  /** The user with the rights that the configuration gives, whatever a session remembers. */
  readonly withRights: (user: User) => User
  /** Whether they may be here, whatever a session or a token remembers. */
  readonly isWelcome: (user: User) => boolean
  /** The owner of a token with the groups of now. */
  readonly withGroups: (user: User) => Promise<User>
}

export interface AuthenticationParts {
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly tokens?: AccessTokens | null
  readonly rules?: Partial<UserRules>
  /** Told of each refusal. */
  readonly onFailure?: (by: 'header' | 'token') => void
  readonly logger: Logger
}

/** A browser adds a password that it remembers, or a Kerberos ticket, to what any page sends. */
function isSentByItself(authorization: string | undefined): boolean {
  return /^(?:basic|negotiate) /i.test(authorization ?? '')
}

const readingMethods: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS'])

export function createAuthentication(parts: AuthenticationParts): Authentication {
  const { authenticator, sessions, tokens = null, onFailure = () => {}, logger } = parts
  const rules: UserRules = {
    withRights: (user) => user,
    isWelcome: () => true,
    withGroups: async (user) => user,
    ...parts.rules,
  }
  const guesses = createGuessLimit(logger)

  function sessionOf(request: IncomingMessage) {
    for (const value of cookieValues(request.headers.cookie, sessions.cookieName)) {
      const session = sessions.find(value)
      if (session !== null && rules.isWelcome(session.user)) return { session, value }
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
      if (result?.outcome !== 'accepted') onFailure('header')
      if (result === null) await guesses.failed(address, null)
      else if (result.outcome === 'refused') await guesses.failed(address, result.reason)
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
      user: rules.withRights(result.user),
      proved: result.user,
      by: 'header',
      token: null,
      replyHeaders: result.replyHeaders ?? {},
    }
  }

  async function callerByToken(
    known: AccessTokens,
    { secret, username }: PresentedToken,
    needed: TokenScope | null,
    address: string,
  ): Promise<Caller> {
    const token = known.find(secret)
    const fault =
      token === null
        ? 'This token is unknown, revoked or expired'
        : username !== null && username !== token.user.name
          ? 'This token is not one of the user whose name came with it'
          : null
    if (token === null || fault !== null) {
      onFailure('token')
      await guesses.failed(address, fault)
      throw new GatewayError('unauthenticated', fault ?? '')
    }
    const proved = await rules.withGroups(token.user)
    if (!rules.isWelcome(proved))
      throw new GatewayError('unauthenticated', `User ${proved.name} may not use this gateway`)
    known.used(token)
    if (needed === null)
      throw new GatewayError('forbidden', 'A token does not log in: send it with each request')
    if (!includesScope(token.scope, needed))
      throw new GatewayError(
        'forbidden',
        `The scope of the token "${token.name}" is "${token.scope}"; this needs "${needed}"`,
      )
    const user = rules.withRights(proved)
    const admin = user.admin && includesScope(token.scope, 'admin')
    return { user: { ...user, admin }, proved, by: 'token', token, replyHeaders: {} }
  }

  /** A token before the cookie: who sends one wants what it may, and no more. */
  function evidenceIn(request: IncomingMessage) {
    const presented = tokens === null ? null : tokenInHeader(request.headers.authorization)
    return { presented, found: presented === null ? sessionOf(request) : null }
  }

  function identified(
    request: IncomingMessage,
    { presented, found }: ReturnType<typeof evidenceIn>,
    needed: TokenScope | null,
  ): Caller | Promise<Caller> {
    if (presented !== null && tokens !== null)
      return callerByToken(tokens, presented, needed, clientOf(request).address)
    if (found === null) return callerByHeader(request)
    const proved = found.session.user
    const user = rules.withRights(proved)
    return { user, proved, by: 'session', token: null, replyHeaders: {} }
  }

  return {
    authenticator,
    sessions,
    guesses,
    tokens,
    sessionOf,
    callerOf(request, needed) {
      const evidence = evidenceIn(request)
      const byBrowser = evidence.found !== null || isSentByItself(request.headers.authorization)
      if (byBrowser && !readingMethods.has(request.method) && isForeign(request.headers)) {
        throw new GatewayError(
          'forbidden',
          'A page of another origin may not change anything here in your name',
        )
      }
      return identified(request, evidence, needed)
    },
    stillHolds(request, { by, token }) {
      if (by === 'session') return sessionOf(request) !== null
      return token === null || tokens?.holds(token.id) === true
    },
    async authenticateForDashboard(request) {
      try {
        return (await identified(request, evidenceIn(request), 'manage')).user
      } catch (error) {
        if (error instanceof GatewayError && error.code === 'unauthenticated') return null
        throw error
      }
    },
  }
}

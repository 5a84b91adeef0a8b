import type { FastifyReply, FastifyRequest } from 'fastify'
import { type BrowserLogin, GatewayError, type User } from '../core/index.ts'
import { clientOf } from './client.ts'
import { cookieValues, setCookie } from './cookies.ts'
import { describeError } from './error-reply.ts'
import { hintCookie } from './logout-elsewhere.ts'
import { safeNextPath } from './next-path.ts'
import { audit, type RouteContext } from './route-context.ts'

/** What all ways to log in by the browser share: the cookie that ties a try to the browser, and the session at the end. */
export interface LoginEntrance {
  /** The random value that a try was begun with; null: none is under way in this browser. */
  nonceOf(request: FastifyRequest): string | null
  keepNonce(request: FastifyRequest, reply: FastifyReply, nonce: string): void
  /** Begins the session and leads on, to `next` where that is a path of ours. */
  enter(
    request: FastifyRequest,
    reply: FastifyReply,
    user: User,
    next: string,
    logoutHint?: string,
  ): Promise<FastifyReply>
  /** Logs why nobody could be judged, and gives what a page is to say. */
  fault(
    request: FastifyRequest,
    error: unknown,
  ): { readonly status: number; readonly message: string }
}

export function createLoginEntrance(context: RouteContext): LoginEntrance {
  const { prefix, logger } = context
  const { authenticator, sessions } = context.authentication
  const nonceCookie = `${sessions.cookieName}-login`

  function cookie(request: FastifyRequest, name: string, value: string, maxAgeSeconds: number) {
    const { secure } = clientOf(request.raw)
    return setCookie(name, value, { maxAgeSeconds, path: `${prefix}/`, secure })
  }

  return {
    nonceOf: (request) => cookieValues(request.headers.cookie, nonceCookie)[0] ?? null,
    keepNonce(request, reply, nonce) {
      reply.header('set-cookie', cookie(request, nonceCookie, nonce, 900))
    },
    async enter(request, reply, user, next, logoutHint) {
      const session = await sessions.create(user, 'login')
      audit(context, { action: 'login', message: wayOf(authenticator.login) }, user, request)
      reply.header('set-cookie', [
        cookie(request, sessions.cookieName, session.value, session.maxAgeSeconds),
        cookie(request, nonceCookie, '', 0),
        ...(logoutHint === undefined
          ? []
          : [hintCookie(context, request, logoutHint, session.maxAgeSeconds)]),
      ])
      return seeOther(reply, safeNextPath(next, prefix) ?? `${prefix}/`)
    },
    fault(request, error) {
      if (!(error instanceof GatewayError)) throw error
      const { status, text } = describeError(error, request.id)
      logger.warn('A login could not be judged', { requestId: request.id, error })
      return { status, message: /[.!?]$/.test(text) ? text : `${text}.` }
    },
  }
}

/** For the audit trail. */
function wayOf(login: BrowserLogin | null): string {
  if (login?.form === 'redirect') return `at ${login.issuer}`
  if (login?.form === 'token') return `by a token of ${login.issuer}`
  return login?.form === 'negotiate' ? 'by Kerberos' : 'by password'
}

/** 303: whatever the request was, the next one is a GET (RFC 9110). */
export function seeOther(reply: FastifyReply, url: string): FastifyReply {
  return reply
    .code(303)
    .header('location', url)
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .send()
}

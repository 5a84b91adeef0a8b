import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AuthResult, LoginAttempt, RedirectLogin } from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { clientOf } from './client.ts'
import { Html, html, sendPage } from './html.ts'
import { type LoginEntrance, seeOther } from './login-entrance.ts'
import { safeNextPath } from './next-path.ts'
import { addressOf } from './public-address.ts'
import { createRedirectState } from './redirect-state.ts'
import { queryOf, type RouteContext } from './route-context.ts'

/**
 * `GET /login/start` sends the browser to another server's login, and `GET /oauth_callback` takes it back. A login counts
 * only in the browser that began it, and leads nowhere but to a path of ours.
 */
export function addRedirectLogin(
  context: RouteContext,
  signingKey: Buffer,
  login: RedirectLogin,
  entrance: LoginEntrance,
): void {
  const { app, prefix } = context
  const states = createRedirectState(signingKey)

  app.get('/login/start', async (request, reply) => {
    const next = safeNextPath(queryOf(request, 'next'), prefix) ?? ''
    const known = entrance.nonceOf(request)
    const nonce = known !== null && /^[0-9a-f]{32}$/.test(known) ? known : randomHex(16)
    const state = states.issue(nonce, next)
    try {
      const url = await login.begin(attemptOf(request, nonce, state))
      entrance.keepNonce(request, reply, nonce)
      return seeOther(reply, url)
    } catch (error) {
      const { status, message } = entrance.fault(request, error)
      return sendFailure(reply, status, message, next)
    }
  })

  app.get('/oauth_callback', async (request, reply) => {
    const answer = new URLSearchParams(request.url.replace(/^[^?]*/, ''))
    const state = answer.get('state') ?? ''
    const nonce = entrance.nonceOf(request)
    const next = states.nextOf(nonce, state)
    if (nonce === null || next === null) {
      const message = 'This login was begun in another browser, or too long ago.'
      return sendFailure(reply, 403, message, '')
    }
    let result: AuthResult
    try {
      result = await login.finish(attemptOf(request, nonce, state), answer)
    } catch (error) {
      const { status, message } = entrance.fault(request, error)
      return sendFailure(reply, status, message, next)
    }
    if (result.outcome === 'refused') {
      const { address } = clientOf(request.raw)
      await context.authentication.guesses.failed(address, result.reason)
      return sendFailure(reply, 401, `${result.reason}.`, next, asSomebodyElse())
    }
    return entrance.enter(request, reply, result.user, next, result.logoutHint)
  })

  function attemptOf(request: FastifyRequest, nonce: string, state: string): LoginAttempt {
    const callbackUrl = `${addressOf(request, prefix)}/oauth_callback`
    return { callbackUrl, state, secret: states.secretOf(nonce, state) }
  }

  /** Who is logged in there would come back as the same again, without a question. */
  function asSomebodyElse(): Html {
    return login.end === undefined
      ? new Html('')
      : html`\n<p><a href="${prefix}/logout/elsewhere">Log out of ${login.issuer}</a>, to come as somebody else.</p>`
  }

  function sendFailure(
    reply: FastifyReply,
    status: number,
    message: string,
    next: string,
    more = new Html(''),
  ): FastifyReply {
    const again = `${prefix}/login${next === '' ? '' : `?next=${encodeURIComponent(next)}`}`
    const content = html`<h1>You are not logged in</h1>
<p role="alert">${message}</p>
<p><a class="button" href="${again}">Try once more</a></p>${more}`
    return sendPage(reply, status, 'Not logged in', content)
  }
}

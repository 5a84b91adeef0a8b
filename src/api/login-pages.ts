import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AuthResult, BrowserLogin } from '../core/index.ts'
import { clientOf } from './client.ts'
import { cookieValues, setCookie } from './cookies.ts'
import { isForeign } from './cross-site.ts'
import { html, sendPage } from './html.ts'
import { createLoginEntrance, seeOther } from './login-entrance.ts'
import { loginForm } from './login-forms.ts'
import { createLoginState } from './login-state.ts'
import { addLogoutElsewhere } from './logout-elsewhere.ts'
import { addNegotiateLogin } from './negotiate-login.ts'
import { safeNextPath } from './next-path.ts'
import { addRedirectLogin } from './redirect-login.ts'
import { audit, type RouteContext } from './route-context.ts'
import { createThrottle } from './throttle.ts'

export interface LoginPagesOptions {
  readonly signingKey: Buffer
  /** Shown loudly on the page: that anybody may be anybody, reachable from elsewhere. null: nothing to say. */
  readonly warning: string | null
  /** `https://HOST` of dashboards when they have a host of their own: a login may lead there. */
  readonly dashboardOrigin: string | null
}

const formLimitBytes = 16 * 1024

/** `GET` and `POST /login`, `POST /logout`: plain forms, outside `/api/`. */
export function addLoginPages(context: RouteContext, options: LoginPagesOptions): void {
  const { app, authentication, prefix } = context
  const { authenticator, sessions } = authentication
  const entrance = createLoginEntrance(context)
  const states = createLoginState(options.signingKey)
  const failures = createThrottle(5, 60_000)
  const leadsOn = authenticator.login?.form === 'redirect' && authenticator.login.end !== undefined
  const formTargets = options.dashboardOrigin === null ? [] : [`${options.dashboardOrigin}:*`]

  app.get('/login', (request, reply) => {
    const next = (request.query as { readonly next?: string | string[] }).next
    const kept = { next: typeof next === 'string' ? next : '', username: '' }
    // Whoever comes from the host of dashboards, where our cookie is not seen, may be logged in.
    const onward = safeNextPath(kept.next, prefix)
    if (onward !== null && authentication.sessionOf(request.raw) !== null)
      return seeOther(reply, onward)
    return sendForm(request, reply, 200, null, kept)
  })

  app.post('/login', { bodyLimit: formLimitBytes }, async (request, reply) => {
    const form = formOf(request)
    const kept = { next: form.get('next') ?? '', username: form.get('username') ?? '' }
    const valid = states.isValid(entrance.nonceOf(request), form.get('state') ?? '')
    if (isForeign(request.headers) || !valid) {
      return sendForm(request, reply, 403, 'This form was too old. Please try once more.', kept)
    }
    const { address } = clientOf(request.raw)
    // A token is nothing that could be guessed, and all who come through one proxy share its address.
    const key = authenticator.login?.form === 'token' ? null : `${address} ${kept.username}`
    const waitSeconds = key === null ? 0 : failures.waitSeconds(key)
    if (waitSeconds > 0) {
      reply.header('retry-after', String(waitSeconds))
      const message = `Too many tries. Please wait ${waitSeconds} s.`
      return sendForm(request, reply, 429, message, kept)
    }
    let result: AuthResult
    try {
      result = await judge(authenticator.login, form)
    } catch (error) {
      const { status, message } = entrance.fault(request, error)
      return sendForm(request, reply, status, message, kept)
    }
    if (result.outcome === 'refused') {
      if (key !== null) failures.failed(key)
      await authentication.guesses.failed(address, result.reason)
      return sendForm(request, reply, 401, `${result.reason}.`, kept)
    }
    if (key !== null) failures.succeeded(key)
    return entrance.enter(request, reply, result.user, kept.next)
  })

  app.post('/logout', { bodyLimit: formLimitBytes }, async (request, reply) => {
    if (isForeign(request.headers)) {
      return sendPage(reply, 403, 'Refused', html`<h1>Another site may not log you out.</h1>`)
    }
    for (const value of cookieValues(request.headers.cookie, sessions.cookieName)) {
      const user = sessions.find(value)?.user
      await sessions.end(value)
      if (user !== undefined) audit(context, { action: 'logout' }, user, request)
    }
    const { secure } = clientOf(request.raw)
    const gone = { maxAgeSeconds: 0, path: `${prefix}/`, secure }
    reply.header('set-cookie', setCookie(sessions.cookieName, '', gone))
    return seeOther(reply, `${prefix}/${leadsOn ? 'logout' : 'login'}`)
  })

  if (authenticator.login?.form === 'redirect') {
    addRedirectLogin(context, options.signingKey, authenticator.login, entrance)
    addLogoutElsewhere(context, authenticator.login, entrance)
  }
  if (authenticator.login?.form === 'negotiate') addNegotiateLogin(context, entrance)

  function sendForm(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    message: string | null,
    kept: { readonly next: string; readonly username: string },
  ): FastifyReply {
    const { nonce, state } = states.issue(entrance.nonceOf(request))
    entrance.keepNonce(request, reply, nonce)
    const { warning } = options
    const content = loginForm(authenticator, { ...kept, prefix, state, message, warning })
    return sendPage(reply, status, 'Log in', content, formTargets)
  }
}

async function judge(login: BrowserLogin | null, form: URLSearchParams): Promise<AuthResult> {
  const field = (name: string) => form.get(name) ?? ''
  if (login?.form === 'password') return login.check(field('username'), field('password'))
  if (login?.form === 'token') return login.check(field('token').trim())
  return { outcome: 'refused', reason: 'This gateway takes no logins by a form' }
}

function formOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.body instanceof Buffer ? request.body.toString('utf8') : '')
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import { clientOf } from './client.ts'
import { cookieValues, setCookie } from './cookies.ts'
import { isForeign } from './cross-site.ts'
import { Html, html, sendPage } from './html.ts'
import { createLoginState } from './login-state.ts'
import { safeNextPath } from './next-path.ts'
import type { RouteContext } from './route-context.ts'
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
  const states = createLoginState(options.signingKey)
  const failures = createThrottle(5, 60_000)
  const stateCookie = `${sessions.cookieName}-login`
  const formTargets = options.dashboardOrigin === null ? [] : [`${options.dashboardOrigin}:*`]

  app.get('/login', (request, reply) => {
    const next = (request.query as { readonly next?: string | string[] }).next
    return sendForm(request, reply, 200, null, typeof next === 'string' ? next : '')
  })

  app.post('/login', { bodyLimit: formLimitBytes }, async (request, reply) => {
    const form = formOf(request)
    const next = form.get('next') ?? ''
    const nonce = cookieValues(request.headers.cookie, stateCookie)[0] ?? null
    if (isForeign(request.headers) || !states.isValid(nonce, form.get('state') ?? '')) {
      return sendForm(request, reply, 403, 'This form was too old. Please try once more.', next)
    }
    const username = form.get('username') ?? ''
    const { address } = clientOf(request.raw)
    const key = `${address} ${username}`
    const waitSeconds = failures.waitSeconds(key)
    if (waitSeconds > 0) {
      reply.header('retry-after', String(waitSeconds))
      const message = `Too many tries. Please wait ${waitSeconds} s.`
      return sendForm(request, reply, 429, message, next)
    }
    const result = await authenticator.login(username, form.get('password') ?? '')
    if (result.outcome === 'refused') {
      failures.failed(key)
      context.logger.info('A login was refused', { address, reason: result.reason })
      return sendForm(request, reply, 401, `${result.reason}.`, next)
    }
    failures.succeeded(key)
    const session = await sessions.create(result.user, 'login')
    context.logger.info(`${result.user.name}: login`, {
      audit: 'login',
      user: result.user.name,
      address,
    })
    reply.header('set-cookie', [
      cookie(request, sessions.cookieName, session.value, session.maxAgeSeconds),
      cookie(request, stateCookie, '', 0),
    ])
    return seeOther(reply, safeNextPath(next, prefix) ?? `${prefix}/`)
  })

  app.post('/logout', { bodyLimit: formLimitBytes }, async (request, reply) => {
    if (isForeign(request.headers)) {
      return sendPage(reply, 403, 'Refused', html`<h1>Another site may not log you out.</h1>`)
    }
    for (const value of cookieValues(request.headers.cookie, sessions.cookieName)) {
      await sessions.end(value)
    }
    reply.header('set-cookie', cookie(request, sessions.cookieName, '', 0))
    return seeOther(reply, `${prefix}/login`)
  })

  function cookie(request: FastifyRequest, name: string, value: string, maxAgeSeconds: number) {
    const { secure } = clientOf(request.raw)
    return setCookie(name, value, { maxAgeSeconds, path: `${prefix}/`, secure })
  }

  function sendForm(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    message: string | null,
    next: string,
  ): FastifyReply {
    if (authenticator.loginForm === 'none') {
      const content = html`<h1>Log in</h1>
<p>This gateway does not take names and passwords here (it uses ${authenticator.challenge}).</p>`
      return sendPage(reply, 200, 'Log in', content)
    }
    const known = cookieValues(request.headers.cookie, stateCookie)[0] ?? null
    const { nonce, state } = states.issue(known)
    reply.header('set-cookie', cookie(request, stateCookie, nonce, 900))
    const content = html`<h1>Log in to the Dask gateway</h1>
${alert(options.warning)}${alert(message)}<form method="post" action="${prefix}/login">
<input type="hidden" name="state" value="${state}">
<input type="hidden" name="next" value="${safeNextPath(next, prefix) ?? ''}">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"${authenticator.open ? new Html(' aria-describedby="hint"') : ''}>
${authenticator.open ? html`<small id="hint">No password is set up here: any password will do.</small>\n` : ''}<button>Log in</button>
</form>`
    return sendPage(reply, status, 'Log in', content, formTargets)
  }
}

function alert(message: string | null): Html {
  return message === null ? new Html('') : html`<p role="alert">${message}</p>\n`
}

function formOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.body instanceof Buffer ? request.body.toString('utf8') : '')
}

// 303: whatever the request was, the next one is a GET (RFC 9110).
function seeOther(reply: FastifyReply, path: string): FastifyReply {
  return reply.code(303).header('location', path).header('cache-control', 'no-store').send()
}

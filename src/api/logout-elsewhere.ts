import type { FastifyRequest } from 'fastify'
import type { RedirectLogin } from '../core/index.ts'
import { clientOf } from './client.ts'
import { cookieValues, setCookie } from './cookies.ts'
import { isForeign } from './cross-site.ts'
import { html, sendPage } from './html.ts'
import { type LoginEntrance, seeOther } from './login-entrance.ts'
import { addressOf } from './public-address.ts'
import type { RouteContext } from './route-context.ts'

/** Keeps what a login gave for its end; the browser sends it to the pages of the logout alone. */
export function hintCookie(
  { authentication, prefix }: Pick<RouteContext, 'authentication' | 'prefix'>,
  request: FastifyRequest,
  hint: string,
  maxAgeSeconds: number,
): string {
  const { secure } = clientOf(request.raw)
  const options = { maxAgeSeconds, path: `${prefix}/logout`, secure, sameSite: 'Strict' } as const
  return setCookie(`${authentication.sessions.cookieName}-hint`, hint, options)
}

/**
 * `GET /logout`, where one is after a logout: who is logged in elsewhere still would be let in here again without a question,
 * so it offers the end of that too. `GET /logout/elsewhere` leads there. A link, as `GET /login` has one: the policy of a form
 * would hold for wherever the other server redirects to.
 */
export function addLogoutElsewhere(
  context: RouteContext,
  login: RedirectLogin,
  entrance: LoginEntrance,
): void {
  const { app, authentication, prefix } = context
  const { end } = login
  if (end === undefined) return
  const name = `${authentication.sessions.cookieName}-hint`

  app.get('/logout', async (request, reply) => {
    if (authentication.sessionOf(request.raw) !== null) return seeOther(reply, `${prefix}/`)
    // Whatever keeps us from knowing it, here one is logged out.
    const url = await end({ callbackUrl: callbackOf(request), hint: null }).catch(() => null)
    const onward =
      url === null
        ? html`<p>Log out of ${login.issuer} by yourself, where others use this browser too.</p>`
        : html`<p><a class="button" href="${prefix}/logout/elsewhere">Log out of ${login.issuer} too</a></p>`
    const content = html`<h1>You are logged out of the Dask gateway</h1>
<p>At ${login.issuer} you may be logged in still: then you come in here again without a password.</p>
${onward}
<p><a href="${prefix}/login">Log in</a></p>`
    return sendPage(reply, 200, 'Logged out', content)
  })

  app.get('/logout/elsewhere', async (request, reply) => {
    // Another page may not lead people out.
    if (isForeign(request.headers) || authentication.sessionOf(request.raw) !== null)
      return seeOther(reply, `${prefix}/`)
    const [kept = ''] = cookieValues(request.headers.cookie, name)
    const hint = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(kept) ? kept : null
    try {
      const url = await end({ callbackUrl: callbackOf(request), hint })
      if (hint !== null) reply.header('set-cookie', hintCookie(context, request, '', 0))
      return seeOther(reply, url ?? `${prefix}/logout`)
    } catch (error) {
      const { status, message } = entrance.fault(request, error)
      const content = html`<h1>You are logged out of the Dask gateway</h1>
<p role="alert">${message}</p>`
      return sendPage(reply, status, 'Logged out', content)
    }
  })

  function callbackOf(request: FastifyRequest): string {
    return `${addressOf(request, prefix)}/oauth_callback`
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '../core/index.ts'
import { html, sendPage } from './html.ts'
import type { LoginEntrance } from './login-entrance.ts'
import { safeNextPath } from './next-path.ts'
import type { RouteContext } from './route-context.ts'

/** `GET /login/start`: the browser is asked for its proof by a 401, and comes again with it. */
export function addNegotiateLogin(context: RouteContext, entrance: LoginEntrance): void {
  const { app, authentication, prefix } = context

  app.get('/login/start', async (request, reply) => {
    const { next } = request.query as { readonly next?: string | string[] }
    const onward = safeNextPath(typeof next === 'string' ? next : '', prefix) ?? ''
    try {
      const caller = await authentication.callerOf(request.raw, null)
      reply.headers(caller.replyHeaders)
      return await entrance.enter(request, reply, caller.user, onward)
    } catch (error) {
      return sendFailure(request, reply, error, onward)
    }
  })

  function sendFailure(
    request: FastifyRequest,
    reply: FastifyReply,
    error: unknown,
    next: string,
  ): FastifyReply {
    const again = `${prefix}/login${next === '' ? '' : `?next=${encodeURIComponent(next)}`}`
    const link = html`<p><a class="button" href="${again}">Try again</a></p>`
    const isRefused = error instanceof GatewayError && error.code === 'unauthenticated'
    if (!isRefused || request.headers.authorization !== undefined) {
      const { status, message } = entrance.fault(request, error)
      const content = html`<h1>That did not work</h1>\n<p role="alert">${message}</p>\n${link}`
      return sendPage(reply, status, 'Log in', content)
    }
    // Browsers show it only when they have nothing to send.
    reply.header('www-authenticate', authentication.authenticator.challenge)
    const content = html`<h1>Your browser sent no Kerberos ticket</h1>
<ul><li>Is there one? <code>kinit</code> gets it, and <code>klist</code> shows it.</li>
<li>Browsers send it only to sites that they were told to trust: in Firefox <code>network.negotiate-auth.trusted-uris</code>, in Chrome and Edge the policy <code>AuthServerAllowlist</code>.</li>
<li>On Linux, Chrome sends none at its very first try: try again.</li>
<li>Tickets are for the name of a machine: an IP address or another name of it will not do.</li></ul>
${link}`
    return sendPage(reply, 401, 'Log in', content)
  }
}

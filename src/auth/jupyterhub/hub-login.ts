import { createHash } from 'node:crypto'
import * as z from 'zod'
import {
  type AuthResult,
  GatewayError,
  type Logger,
  messageOf,
  type RedirectLogin,
} from '../../core/index.ts'
import type { OutsideAnswer } from '../outside-client.ts'
import type { Hub } from './hub.ts'
import type { HubSettings } from './hub-settings.ts'
import { jsonOf, tokenPattern } from './hub-user.ts'

const tokenAnswer = z.object({ access_token: z.string().regex(tokenPattern) })
const errorAnswer = z.object({ error: z.string().regex(/^[\w.-]{1,60}$/) })

/**
 * The hub's OAuth: authorization code (RFC 6749, section 4.1) with PKCE (RFC 7636), which hubs before 6.0 ignore. The
 * token that it ends with is asked for its bearer, and forgotten.
 */
export function createHubLogin(
  settings: HubSettings & { readonly clientId: string },
  hub: Hub,
  judge: (token: string) => Promise<AuthResult>,
  logger: Logger,
): RedirectLogin {
  const pages = settings.publicUrl ?? settings.apiUrl.replace(/\/api$/, '')
  const redirectUri = (callbackUrl: string) => settings.callbackUrl ?? callbackUrl

  return {
    form: 'redirect',
    issuer: 'JupyterHub',
    async begin({ callbackUrl, state, secret }) {
      const query = new URLSearchParams({
        client_id: settings.clientId,
        redirect_uri: redirectUri(callbackUrl),
        response_type: 'code',
        state,
        code_challenge: createHash('sha256').update(secret).digest('base64url'),
        code_challenge_method: 'S256',
      })
      return `${pages}/api/oauth2/authorize?${query}`
    },
    async finish({ callbackUrl, secret }, answer) {
      const error = answer.get('error')
      if (error !== null) return refused(error)
      const code = answer.get('code') ?? ''
      if (!tokenPattern.test(code)) return refused('no code')
      const given = await exchange({
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri(callbackUrl),
        client_id: settings.clientId,
        client_secret: settings.apiToken,
        code_verifier: secret,
      })
      return given.status < 300 ? judge(tokenOf(given)) : refusedCode(given)
    },
  }

  async function exchange(form: { readonly [name: string]: string }): Promise<OutsideAnswer> {
    try {
      return await hub.ask({
        method: 'POST',
        path: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
      })
    } catch (error) {
      logger.error(`JupyterHub could not be asked for the token of a login: ${messageOf(error)}`)
      throw failure()
    }
  }

  function tokenOf({ text }: OutsideAnswer): string {
    const parsed = tokenAnswer.safeParse(jsonOf(text))
    if (parsed.success) return parsed.data.access_token
    logger.error('JupyterHub answered a login with something that is no token')
    throw failure()
  }

  function refusedCode({ status, text }: OutsideAnswer): AuthResult {
    const parsed = errorAnswer.safeParse(jsonOf(text))
    const error = parsed.success ? parsed.data.error : `status ${status}`
    if (status === 400 && error === 'invalid_grant') return refused(error)
    logger.error(`JupyterHub did not complete a login: ${error}`, {
      hint: 'is the client as the hub has it (oauth_client_id, oauth_callback_url, jupyterhub_api_token)?',
    })
    throw failure()
  }
}

function failure(): GatewayError {
  return new GatewayError(
    'upstream',
    'JupyterHub could not complete the login; please try again, or ask who runs the gateway',
  )
}

function refused(error: string): AuthResult {
  const word = /^[\w. -]{1,60}$/.test(error) ? error : 'an unknown error'
  return { outcome: 'refused', reason: `JupyterHub did not let you in (${word})` }
}

import { createHash, createHmac } from 'node:crypto'
import * as oauth from 'oauth4webapi'
import {
  type AuthResult,
  GatewayError,
  type Logger,
  type LoginAttempt,
  messageOf,
  type RedirectLogin,
} from '../../core/index.ts'
import { type Claims, lacks, leavesOutGroups, userOfClaims } from './claims.ts'
import { isSafeUrl, type OidcSettings } from './oidc-settings.ts'
import { NoAnswer, type Provider } from './provider.ts'

// What a cookie may hold (RFC 6265, section 6.1), less its name and its attributes.
const maxHintLength = 3500

/**
 * OpenID Connect's authorization code flow (Core 1.0, section 3.1) with PKCE (RFC 7636) and the issuer in the answer (RFC 9207).
 * The tokens that it ends with are forgotten once they have told who it is, but for the ID token, which the browser
 * keeps for the logout. `secret`: of the client; null: it has none.
 */
export function createOidcLogin(
  settings: OidcSettings,
  provider: Provider,
  secret: () => string | null,
  logger: Logger,
): Required<Pick<RedirectLogin, 'begin' | 'finish' | 'end'>> {
  const { client, requests } = provider
  const { provider_name: name } = settings
  const redirectUri = (callbackUrl: string) => settings.callback_url ?? callbackUrl

  async function told(attempt: LoginAttempt, parameters: URLSearchParams): Promise<Told> {
    const as = await provider.metadata()
    const given = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      clientAuthentication(as, secret()),
      parameters,
      redirectUri(attempt.callbackUrl),
      attempt.secret,
      requests,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, given, {
      expectedNonce: nonceOf(attempt),
      requireIdToken: true,
    })
    await verify(as, given)
    // It was required, so it is there.
    const identity = oauth.getValidatedIdTokenClaims(tokens) as oauth.IDToken
    const idToken = tokens.id_token ?? ''
    if (!lacks(identity, settings) || as.userinfo_endpoint === undefined)
      return { claims: identity, idToken }
    const answer = await oauth.userInfoRequest(as, client, tokens.access_token, requests)
    const more = await oauth.processUserInfoResponse(as, client, identity.sub, answer)
    if (answer.headers.get('content-type')?.startsWith('application/jwt')) await verify(as, answer)
    return { claims: { ...more, ...identity }, idToken }
  }

  /** By the keys that are known, else by those of now: the provider may have new ones. */
  async function verify(as: oauth.AuthorizationServer, answer: Response): Promise<void> {
    try {
      await oauth.validateApplicationLevelSignature(as, answer, requests)
    } catch (error) {
      if (!(error instanceof oauth.OperationProcessingError)) throw error
      await oauth.validateApplicationLevelSignature({ ...as }, answer, requests)
    }
  }

  function failure(what: string, error: unknown): GatewayError {
    const hint = hintFor(error)
    logger.error(`${name} ${what}: ${reasonOf(error)}`, hint === null ? {} : { hint })
    return error instanceof NoAnswer
      ? new GatewayError('unavailable', `${name} does not answer; please try again later`)
      : new GatewayError(
          'upstream',
          `${name} could not complete the login; please try again, or ask who runs the gateway`,
        )
  }

  async function metadata(): Promise<oauth.AuthorizationServer> {
    try {
      return await provider.metadata()
    } catch (error) {
      throw failure('does not tell how to log in', error)
    }
  }

  function refused(error: string): AuthResult {
    const word = /^[\w. -]{1,60}$/.test(error) ? error : 'an unknown error'
    return { outcome: 'refused', reason: `${printable(name)} did not let you in (${word})` }
  }

  return {
    async begin(attempt) {
      const { authorization_endpoint = '' } = await metadata()
      return withQuery(authorization_endpoint, {
        client_id: client.client_id,
        redirect_uri: redirectUri(attempt.callbackUrl),
        response_type: 'code',
        scope: [...new Set(['openid', ...settings.scopes])].join(' '),
        state: attempt.state,
        nonce: nonceOf(attempt),
        code_challenge: createHash('sha256').update(attempt.secret).digest('base64url'),
        code_challenge_method: 'S256',
      })
    },
    async finish(attempt, answer) {
      const as = await metadata()
      let parameters: URLSearchParams
      try {
        parameters = oauth.validateAuthResponse(as, client, answer, attempt.state)
      } catch (error) {
        if (!(error instanceof oauth.AuthorizationResponseError)) return refused('a wrong answer')
        if (!/^(?:server_error|temporarily_unavailable)$/.test(error.error))
          return refused(error.error)
        throw failure('failed at a login', new NoAnswer(error.error))
      }
      const [code = '', ...others] = parameters.getAll('code')
      if (others.length > 0 || !/^[\x21-\x7e]+$/.test(code)) return refused('no code')
      try {
        const { claims, idToken } = await told(attempt, parameters)
        if (leavesOutGroups(claims, settings))
          logger.warn(`${name} left out the groups of a user: they are too many`)
        const result = userOfClaims(claims, settings)
        if (result.outcome === 'refused' || as.end_session_endpoint === undefined) return result
        return idToken.length > maxHintLength ? result : { ...result, logoutHint: idToken }
      } catch (error) {
        // An old code, or another's.
        if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant')
          return refused(error.error)
        throw failure('did not complete a login', error)
      }
    },
    async end({ callbackUrl, hint }) {
      const { end_session_endpoint: url = '' } = await metadata()
      if (!isSafeUrl(url)) return null
      return withQuery(url, {
        client_id: client.client_id,
        post_logout_redirect_uri: redirectUri(callbackUrl).replace(/\/oauth_callback$/, '/login'),
        ...(hint !== null && { id_token_hint: hint }),
      })
    },
  }
}

interface Told {
  readonly claims: Claims
  readonly idToken: string
}

/** Ties an ID token to the browser that the login began in. */
function nonceOf({ secret }: LoginAttempt): string {
  return createHmac('sha256', secret).update('nonce').digest('base64url')
}

/** As the provider wants it (Discovery 1.0, section 3: without a word of it, client_secret_basic). */
function clientAuthentication(
  as: oauth.AuthorizationServer,
  secret: string | null,
): oauth.ClientAuth {
  if (secret === null) return oauth.None()
  const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic')
    ? oauth.ClientSecretBasic(secret)
    : oauth.ClientSecretPost(secret)
}

function withQuery(url: string, parameters: { readonly [name: string]: string }): string {
  const target = new URL(url)
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value)
  return target.href
}

/** For the log: the library's sentence, and the provider's code. What is behind them may hold tokens. */
function reasonOf(error: unknown): string {
  const code = error instanceof oauth.ResponseBodyError ? ` (${printable(error.error)})` : ''
  return `${printable(messageOf(error))}${code}`
}

function hintFor(error: unknown): string | null {
  if (
    error instanceof oauth.ResponseBodyError ||
    error instanceof oauth.WWWAuthenticateChallengeError
  )
    return 'is the client as the provider has it (client_id, client_secret_file, callback_url)?'
  if (error instanceof oauth.OperationProcessingError && error.code === oauth.JWT_TIMESTAMP_CHECK)
    return 'are the clocks right? OIDCAuthenticator.clock_tolerance is how far they may differ'
  return null
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)
}

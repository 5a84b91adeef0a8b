import {
  type Authenticator,
  type AuthResult,
  GatewayError,
  type Logger,
  messageOf,
  type RedirectLogin,
} from '../../core/index.ts'
import { readClientTls } from '../client-tls.ts'
import { createOutsideClient, type OutsideClient } from '../outside-client.ts'
import { readClientSecret } from './client-secret.ts'
import type { createOidcLogin } from './oidc-login.ts'
import { type OidcValues, oidcSettings } from './oidc-settings.ts'

export interface OidcLimits {
  readonly limitMs: number
  readonly maxInFlight: number
  readonly maxWaiting: number
}

const usualLimits: OidcLimits = { limitMs: 10_000, maxInFlight: 16, maxWaiting: 200 }

/**
 * People log in at an OpenID provider, by a browser; programs come with our access tokens. The provider need not run when
 * the gateway starts. Throws 'configuration' when it is not known which it is.
 */
export function createOidcAuthenticator(
  values: OidcValues,
  surroundings: { readonly logger: Logger; readonly limits?: Partial<OidcLimits> },
): Authenticator {
  const settings = oidcSettings(values)
  const { logger } = surroundings
  const { provider_name: name } = settings
  let running: { readonly client: OutsideClient; readonly login: OidcLogin } | null = null
  let secret: string | null = null

  const started = () => {
    if (running !== null) return running.login
    throw new GatewayError('unavailable', 'The gateway has not started, or has stopped')
  }
  const login: RedirectLogin = {
    form: 'redirect',
    issuer: name,
    programs:
      'Programs (Python, the command dask-gateway) come with an access token: log in here to make one.',
    begin: async (attempt) => started().begin(attempt),
    finish: async (attempt, answer) => started().finish(attempt, answer),
    end: async (attempt) => started().end(attempt),
  }

  return {
    challenge: 'Bearer',
    login,
    open: false,
    async start() {
      // Nobody else needs the library.
      const [{ createProvider }, { createOidcLogin }] = await Promise.all([
        import('./provider.ts'),
        import('./oidc-login.ts'),
      ])
      secret = await readClientSecret(settings, logger)
      const tls = await readClientTls('OIDCAuthenticator', { tls_ca: settings.tls_ca })
      const client = createOutsideClient({ ...usualLimits, ...surroundings.limits, tls })
      const provider = createProvider(settings, client.ask, logger)
      const isOpen = settings.allowed_users.length + settings.allowed_groups.length === 0
      const users = isOpen ? 'everybody whom it knows' : 'those who are allowed'
      running = { client, login: createOidcLogin(settings, provider, () => secret, logger) }
      provider.metadata().then(
        () => logger.info('Users log in by OpenID Connect', { issuer: settings.issuer, users }),
        (error: unknown) =>
          logger.warn(
            `${name} does not tell how to log in, so nobody can; who has a session or an access token goes on: ${messageOf(error)}`,
            { issuer: settings.issuer },
          ),
      )
    },
    async reload() {
      const tls = await readClientTls('OIDCAuthenticator', { tls_ca: settings.tls_ca })
      secret = await readClientSecret(settings, logger)
      running?.client.useTls(tls)
    },
    async stop() {
      running?.client.close()
      running = null
    },
    async authenticate({ authorization }) {
      return refused(
        authorization === null
          ? 'Authentication required'
          : 'This gateway takes access tokens only: log in by a browser, and make one there',
      )
    },
  }
}

type OidcLogin = ReturnType<typeof createOidcLogin>

function refused(reason: string): AuthResult {
  return { outcome: 'refused', reason }
}

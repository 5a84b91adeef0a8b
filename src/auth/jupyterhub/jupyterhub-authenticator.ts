import type { Authenticator, AuthResult, BrowserLogin, Logger } from '../../core/index.ts'
import { readClientTls } from '../client-tls.ts'
import { type ClientTls, createOutsideClient, type OutsideClient } from '../outside-client.ts'
import type { Hub } from './hub.ts'
import { createHubLogin } from './hub-login.ts'
import { type HubSettings, hubSettings, type JupyterHubValues } from './hub-settings.ts'
import { bearerOf, permissionFailure, tokenPattern, userOf } from './hub-user.ts'

export interface JupyterHubSurroundings {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly logger: Logger
  readonly limits?: Partial<HubLimits>
}

export interface HubLimits {
  readonly limitMs: number
  readonly maxInFlight: number
  readonly maxWaiting: number
}

const usualLimits: HubLimits = { limitMs: 20_000, maxInFlight: 16, maxWaiting: 500 }

/**
 * Users prove themselves by a token of a JupyterHub, which is asked whose it is. The hub need not run when the gateway
 * starts. Throws 'configuration' when it is not known where the hub is, or who we are to it.
 */
export function createJupyterHubAuthenticator(
  values: JupyterHubValues,
  surroundings: JupyterHubSurroundings,
): Authenticator {
  const settings = hubSettings(values, surroundings.environment)
  const { logger } = surroundings
  let client: OutsideClient | null = null
  const hub: Hub = {
    ask: async ({ path, ...request }) => {
      if (client === null) throw new Error('the gateway has not started, or has stopped')
      return client.ask({ ...request, url: `${settings.apiUrl}${path}` })
    },
  }

  async function judge(token: string): Promise<AuthResult | 'forbidden'> {
    if (!tokenPattern.test(token)) return refused('A JupyterHub token is one word of ASCII')
    const found = await bearerOf(hub, token, logger)
    if (found === 'forbidden') return found
    if (found === 'unknown') return refused('JupyterHub knows nobody with this token')
    return userOf(found, settings.accessScopes)
  }

  // The API answers a 403 of the hub as the old server does; a person is told what it nearly always means.
  async function judgeForPerson(token: string): Promise<AuthResult> {
    const result = await judge(token)
    return result === 'forbidden' ? refused('JupyterHub does not take this token') : result
  }

  return {
    challenge: 'jupyterhub',
    login: browserLogin(settings, hub, judgeForPerson, logger),
    open: false,
    async start() {
      if (settings.accessScopes === null) {
        logger.warn(
          'Any token of the hub lets its bearer in; JupyterHubAuthenticator.jupyterhub_service_name would ask for the scope of this service',
        )
      }
      const tls = await tlsOf(settings)
      client = createOutsideClient({ ...usualLimits, ...surroundings.limits, tls })
    },
    async reload() {
      client?.useTls(await tlsOf(settings))
    },
    async stop() {
      client?.close()
      client = null
    },
    async authenticate({ authorization }) {
      if (authorization === null) return refused('Authentication required')
      const token = /^jupyterhub +(\S+) *$/i.exec(authorization)?.[1]
      if (token === undefined) {
        return refused('This gateway takes an Authorization header of "jupyterhub" and a token')
      }
      const result = await judge(token)
      if (result === 'forbidden') throw permissionFailure()
      return result
    },
  }
}

function browserLogin(
  settings: HubSettings,
  hub: Hub,
  judge: (token: string) => Promise<AuthResult>,
  logger: Logger,
): BrowserLogin {
  const { clientId, publicUrl } = settings
  if (clientId !== null) return createHubLogin({ ...settings, clientId }, hub, judge, logger)
  return {
    form: 'token',
    issuer: 'JupyterHub',
    tokenPage: publicUrl === null ? null : `${publicUrl}/token`,
    check: judge,
  }
}

function tlsOf({ tlsKey, tlsCert, tlsCa }: HubSettings): Promise<ClientTls> {
  return readClientTls('JupyterHubAuthenticator', {
    tls_key: tlsKey,
    tls_cert: tlsCert,
    tls_ca: tlsCa,
  })
}

function refused(reason: string): AuthResult {
  return { outcome: 'refused', reason }
}

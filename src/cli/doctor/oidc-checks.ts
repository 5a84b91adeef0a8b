import { askIssuer, oidcAuthenticatorSettings } from '../../auth/index.ts'
import type { Configuration } from '../../config/index.ts'
import { GatewayError, type Logger, messageOf } from '../../core/index.ts'
import { type Checkup, type Finding, failed, ok, warning } from './checkup.ts'

/** Whether the provider tells how to log in, where people log in by OpenID Connect. */
export async function checkOidc(
  checkup: Checkup,
  configuration: Configuration,
  logger: Logger,
): Promise<void> {
  if (configuration.authenticatorClass.name !== oidcAuthenticatorSettings.name) return
  const values = configuration.get(oidcAuthenticatorSettings)
  await checkup.run('issuer', async (): Promise<Finding> => {
    try {
      const { issuer, hasLogout } = await askIssuer(values, logger)
      const says = `${issuer} says how to log in`
      if (hasLogout) return ok(`${says}, and out`)
      return warning(
        `${says}, and of no logout`,
        'Who logs out here stays logged in there, and comes in again without a password.',
      )
    } catch (error) {
      if (error instanceof GatewayError) throw error
      return failed(
        `${values.issuer} does not say how to log in: ${messageOf(error)}`,
        `Until it does, nobody can. Fetch ${values.issuer}/.well-known/openid-configuration on this machine: "issuer" in it must be OIDCAuthenticator.issuer, letter for letter. For a certificate of your own authority there is OIDCAuthenticator.tls_ca.`,
      )
    }
  })
}

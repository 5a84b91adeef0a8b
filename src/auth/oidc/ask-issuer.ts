import type { Logger } from '../../core/index.ts'
import { readClientTls } from '../client-tls.ts'
import { createOutsideClient } from '../outside-client.ts'
import { readClientSecret } from './client-secret.ts'
import { type OidcValues, oidcSettings } from './oidc-settings.ts'

const limits = { limitMs: 10_000, maxInFlight: 1, maxWaiting: 0 }

/**
 * Asks the provider how to log in, as a login would, and gives its issuer, and whether one can log out there. Throws in
 * words what is wrong with it or with the files of the settings.
 */
export async function askIssuer(
  values: OidcValues,
  logger: Logger,
): Promise<{ readonly issuer: string; readonly hasLogout: boolean }> {
  const settings = oidcSettings(values)
  await readClientSecret(settings, logger)
  const tls = await readClientTls('OIDCAuthenticator', { tls_ca: settings.tls_ca })
  const client = createOutsideClient({ ...limits, tls })
  try {
    // Nobody else needs the library.
    const { createProvider } = await import('./provider.ts')
    const document = await createProvider(settings, client.ask, logger).metadata()
    return { issuer: settings.issuer, hasLogout: document.end_session_endpoint !== undefined }
  } finally {
    client.close()
  }
}

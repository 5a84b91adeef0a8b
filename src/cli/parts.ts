import { openTlsCertificate, type TlsCertificate } from '../api/index.ts'
import { authenticatorSettings, authenticators, type RoleSettings } from '../auth/index.ts'
import { type BackendDriver, findBackend } from '../backends/index.ts'
import type { Configuration } from '../config/index.ts'
import { type Authenticator, dbBackendSettings, GatewayError, type Logger } from '../core/index.ts'
import { proxySettings } from '../proxy/index.ts'
import { parseDatabaseUrl } from '../store/index.ts'

export type BackendPolicy = NonNullable<(typeof dbBackendSettings)['values']>

/**
 * Throws 'configuration' for all that can be known to be wrong before anything is begun or written. A start and
 * `check-config` both begin with it.
 */
export async function checkParts(configuration: Configuration, logger: Logger): Promise<void> {
  const driver = driverOf(configuration)
  // Making a part has no effects; this one is not used.
  driver.create(configuration.get(driver.settings), {
    instanceId: '0'.repeat(32),
    stateDirectory: '/nonexistent',
    apiUrl: 'http://127.0.0.1/api',
    wake: () => {},
    logger,
  })
  authenticatorOf(configuration, logger)
  configuration.clusterSettings(driver.clusterSettings)({})
  const { db_url, stop_clusters_on_shutdown } = policyOf(configuration)
  if (inMemory(db_url) && !stop_clusters_on_shutdown)
    throw new GatewayError(
      'configuration',
      'DBBackendBase.stop_clusters_on_shutdown = False needs records that last, but DBBackendBase.db_url names a database in memory: set it to a file.',
    )
  await certificateOf(configuration, logger)
}

export function driverOf(configuration: Configuration): BackendDriver {
  const { name } = configuration.backendClass
  const driver = findBackend(name)
  if (driver === null)
    throw new GatewayError('configuration', `DaskGateway.backend_class: ${name} is no backend`)
  return driver
}

export function authenticatorOf(configuration: Configuration, logger: Logger): Authenticator {
  const { name } = configuration.authenticatorClass
  const kind = authenticators[name]
  if (kind === undefined)
    throw new GatewayError(
      'configuration',
      `DaskGateway.authenticator_class: ${name} is no authenticator`,
    )
  const surroundings = { environment: process.env, logger }
  return kind.create(configuration.get(kind.settings), surroundings)
}

/** Who is an administrator, as the authenticator in use has it. */
export function roleSettingsOf(configuration: Configuration): RoleSettings {
  const kind = authenticators[configuration.authenticatorClass.name]
  // Every authenticator inherits these settings.
  return configuration.get(kind?.settings ?? authenticatorSettings) as RoleSettings
}

/** Records, periods and limits, as the backend in use has them. */
export function policyOf(configuration: Configuration): BackendPolicy {
  const own = configuration.get(driverOf(configuration).settings) as Partial<BackendPolicy>
  return { ...configuration.get(dbBackendSettings), ...own }
}

/** Whether `db_url` names records that end with the process. */
export function inMemory(url: string): boolean {
  return parseDatabaseUrl(url, '/').kind === 'memory'
}

/** null: the public address speaks plain HTTP. */
export async function certificateOf(
  configuration: Configuration,
  logger: Logger,
): Promise<TlsCertificate | null> {
  const { tls_cert, tls_key } = configuration.get(proxySettings)
  if (tls_cert === null && tls_key === null) return null
  if (tls_cert === null || tls_key === null)
    throw new GatewayError(
      'configuration',
      'Proxy.tls_cert and Proxy.tls_key must be set both, or neither',
    )
  return openTlsCertificate({ certPath: tls_cert, keyPath: tls_key }, logger)
}

/** DASK_GATEWAY_ENCRYPT_KEYS; null: it holds none. */
export function keysOfEnvironment(): readonly string[] | null {
  const keys = (process.env.DASK_GATEWAY_ENCRYPT_KEYS ?? '')
    .split(';')
    .filter((key) => key.trim() !== '')
  return keys.length === 0 ? null : keys
}

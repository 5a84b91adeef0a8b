import { authenticators } from '../auth/index.ts'
import { findBackend } from '../backends/index.ts'
import { type Configuration, gatewaySettings } from '../config/index.ts'
import { dbBackendSettings, GatewayError, type HostPort, type Logger } from '../core/index.ts'
import { proxySettings } from '../proxy/index.ts'

/** What would run, in words. Throws 'configuration' for what would end a start. */
export async function checkConfig(configuration: Configuration, logger: Logger): Promise<string> {
  const gateway = configuration.get(gatewaySettings)
  const proxy = configuration.get(proxySettings)
  const driver = findBackend(configuration.backendClass.name)
  const kind = authenticators[configuration.authenticatorClass.name]
  if (driver === null || kind === undefined)
    throw new GatewayError(
      'configuration',
      'DaskGateway.backend_class or authenticator_class names no such part',
    )
  kind.create(configuration.get(kind.settings))
  driver.create(configuration.get(driver.settings), {
    instanceId: '0'.repeat(32),
    stateDirectory: '/nonexistent',
    apiUrl: 'http://127.0.0.1/api',
    wake: () => {},
    logger,
  })
  configuration.clusterSettings(driver.clusterSettings)({})
  const fields = await configuration.clusterOptions.fieldsFor({
    name: 'somebody',
    groups: [],
    admin: false,
  })
  const store = {
    ...configuration.get(dbBackendSettings),
    ...(configuration.get(driver.settings) as object),
  }
  const lines = [
    ['Configuration', configuration.sources.join(', ') || 'none (all defaults)'],
    [
      'Public address',
      `${shown(proxy.address)}${proxy.prefix}${proxy.tls_cert === null ? '' : ' (HTTPS)'}`,
    ],
    ['Scheduler traffic', proxy.tcp_address === null ? 'the same port' : shown(proxy.tcp_address)],
    ['Proxy', proxy.externally_managed ? 'managed externally' : 'started by the gateway'],
    ['Private address', shown(gateway.address)],
    ['Backend', driver.settings.name],
    ['Authenticator', kind.settings.name],
    ['Records', store.db_url],
    ['Options of users', fields.map((field) => field.field).join(', ') || 'none'],
  ] as const
  return lines.map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n')
}

function shown({ host, port }: HostPort): string {
  return `${host}:${port}`
}

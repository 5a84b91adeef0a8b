import { type Configuration, gatewaySettings } from '../config/index.ts'
import type { HostPort, Logger } from '../core/index.ts'
import { proxySettings } from '../proxy/index.ts'
import { checkParts, inMemory, policyOf } from './parts.ts'

/** What would run, in words. Throws 'configuration' for what would end a start. */
export async function checkConfig(configuration: Configuration, logger: Logger): Promise<string> {
  const gateway = configuration.get(gatewaySettings)
  const proxy = configuration.get(proxySettings)
  await checkParts(configuration, logger)
  const fields = await configuration.clusterOptions.fieldsFor({
    name: 'somebody',
    groups: [],
    admin: false,
  })
  const lines = [
    ['Configuration', configuration.sources.join(', ') || 'none (all defaults)'],
    [
      'Public address',
      `${shown(proxy.address)}${proxy.prefix}${proxy.tls_cert === null ? '' : ' (HTTPS)'}`,
    ],
    ['Scheduler traffic', proxy.tcp_address === null ? 'the same port' : shown(proxy.tcp_address)],
    ['Proxy', proxy.externally_managed ? 'managed externally' : 'started by the gateway'],
    ['Private address', shown(gateway.address)],
    ['Backend', configuration.backendClass.name],
    ['Authenticator', configuration.authenticatorClass.name],
    ['Records', recordsShown(configuration)],
    ['Options of users', fields.map((field) => field.field).join(', ') || 'none'],
  ] as const
  return lines.map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n')
}

function shown({ host, port }: HostPort): string {
  return `${host}:${port}`
}

function recordsShown(configuration: Configuration): string {
  const { db_url } = policyOf(configuration)
  return inMemory(db_url) ? 'in memory: a crash forgets them' : db_url
}

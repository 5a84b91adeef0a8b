import { type Configuration, gatewaySettings } from '../config/index.ts'
import { type HostPort, type Logger, logFormat, type Store } from '../core/index.ts'
import { type ProxyProcess, proxySettings, runProxy, superviseProxy } from '../proxy/index.ts'
import { createLogger } from '../util/index.ts'
import { proxyCommand } from './proxy-command.ts'

type ProxyValues = NonNullable<(typeof proxySettings)['values']>

/** What the gateway's proxy is started with. */
export interface ProxyStart {
  /** One that waits to be told; null: none does. */
  readonly begun: ProxyProcess | null
  readonly values: ProxyValues
  /** Secret. */
  readonly token: string
  /** The private address, where the proxy learns routes. */
  readonly watchUrl: string
  /** Where the gateway takes public traffic. */
  readonly socketPath: string
  readonly store: Store
  readonly logger: Logger
}

/** Starts the proxy or takes over the one of a killed gateway; nothing to do where somebody else manages it. */
export async function startProxyOf(start: ProxyStart): Promise<{ stop(): Promise<void> }> {
  const { begun, values, token, watchUrl, socketPath, store, logger } = start
  if (values.externally_managed) {
    begun?.stdin.destroy()
    return { stop: async () => {} }
  }
  return superviseProxy({
    command: proxyCommand,
    ...(begun === null ? {} : { begun }),
    address: values.address,
    tcpAddress: separateTcpAddress(values),
    gatewayUrl: `unix:${socketPath}`,
    watchUrl,
    token,
    logLevel: values.log_level,
    stateDirectory: store.stateDirectory,
    instanceId: store.instance.id,
    silenceMs: Math.max(10, values.proxy_status_period) * 1000,
    log: logger,
  })
}

/** `dask-gateway-server proxy`, until a signal ends it. */
export async function runProxyCommand(configuration: Configuration): Promise<number> {
  const values = configuration.get(proxySettings)
  const { address } = configuration.get(gatewaySettings)
  await runProxy({
    values: { ...values, tcp_address: separateTcpAddress(values) },
    privateAddress: address.port === 0 ? null : address,
    token: values.api_token ?? process.env.DASK_GATEWAY_PROXY_TOKEN ?? null,
    log: createLogger({
      level: values.log_level,
      format: logFormat(),
      write: (line) => process.stderr.write(line),
    }),
  })
  return 0
}

/** null: both share one port, which is what equal addresses mean too. */
export function separateTcpAddress({ address, tcp_address }: ProxyValues): HostPort | null {
  const same = tcp_address?.host === address.host && tcp_address.port === address.port
  return same ? null : tcp_address
}

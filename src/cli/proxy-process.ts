import type { Configuration } from '../config/index.ts'
import type { Logger, Store } from '../core/index.ts'
import { type proxySettings, startProxy, watchRoutes } from '../proxy/index.ts'

export async function startProxyFor(options: {
  readonly values: NonNullable<(typeof proxySettings)['values']>
  readonly token: string
  readonly watchUrl: string
  readonly socketPath: string
  readonly store: Store
  readonly logger: Logger
  readonly signal: AbortSignal
}): Promise<{ stop(): Promise<void> }> {
  const proxy = await startProxy({
    address: options.values.address,
    tcpAddress: options.values.tcp_address,
    gateway: { path: options.socketPath },
    log: options.logger,
  })
  const end = new AbortController()
  void watchRoutes(
    { gatewayUrl: options.watchUrl, token: options.token, proxyName: 'x', log: options.logger },
    proxy.tunnels,
    end.signal,
  )
  return {
    stop: async () => {
      end.abort()
      await proxy.stop()
    },
  }
}

export async function runProxyCommand(_configuration: Configuration): Promise<number> {
  return 1
}

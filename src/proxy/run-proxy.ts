import { hostname } from 'node:os'
import { GatewayError, type HostPort } from '../core/index.ts'
import { targetOf } from './connect.ts'
import type { Log } from './log.ts'
import type { proxySettings } from './settings.ts'
import { startProxy } from './start-proxy.ts'
import { watchRoutes } from './watch-routes.ts'

export interface RunProxyOptions {
  readonly values: NonNullable<(typeof proxySettings)['values']>
  /** DaskGateway.address (with the port that is kept, if it was 0); null: not known here. */
  readonly privateAddress: HostPort | null
  /** Proxy.api_token, or where else it was found; null: nowhere. */
  readonly token: string | null
  readonly log: Log
}

/** `dask-gateway-server proxy`: a proxy in the foreground, until SIGTERM or SIGINT. */
export async function runProxy(options: RunProxyOptions): Promise<void> {
  const { values, privateAddress, token, log } = options
  const privateUrl = privateAddress === null ? null : urlOf(privateAddress)
  const gatewayUrl = values.gateway_url ?? privateUrl
  const watchUrl = gatewayUrl?.startsWith('unix:') ? privateUrl : gatewayUrl
  if (gatewayUrl === null || watchUrl === null)
    throw new GatewayError(
      'configuration',
      'The proxy does not know where the gateway is. Set DaskGateway.address to a fixed port, or Proxy.gateway_url to http://HOST:PORT.',
    )
  if (token === null || token === '')
    throw new GatewayError(
      'configuration',
      'The proxy needs the token of its gateway: set Proxy.api_token, or DASK_GATEWAY_PROXY_TOKEN in its environment.',
    )
  const stop = stopSignal()
  const { address, tcp_address: tcpAddress } = values
  const proxy = await serveProxy({ address, tcpAddress, gatewayUrl, watchUrl, token, log })
  log.info('The proxy listens', { address: proxy.address, gateway: gatewayUrl })
  await stop
  await proxy.stop()
}

/** The public listener, kept at the gateway's routes. */
export async function serveProxy(options: {
  readonly address: HostPort
  readonly tcpAddress: HostPort | null
  readonly gatewayUrl: string
  readonly watchUrl: string
  readonly token: string
  readonly log: Log
}) {
  const { address, tcpAddress, log } = options
  const proxy = await startProxy({
    address,
    tcpAddress,
    gateway: targetOf(options.gatewayUrl),
    log,
  })
  const end = new AbortController()
  const watching = watchRoutes(
    { gatewayUrl: options.watchUrl, token: options.token, proxyName: ownName(), log },
    { ...proxy.tunnels, tunnels: proxy.tunnels },
    end.signal,
  )
  return {
    address: proxy.address,
    tcpAddress: proxy.tcpAddress,
    async stop(): Promise<void> {
      end.abort()
      await Promise.all([proxy.stop(), watching])
    },
  }
}

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, as it would have anyway. */
export function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  process.once('SIGTERM', resolve).once('SIGINT', resolve)
  return promise
}

function ownName(): string {
  return `${hostname()
    .replace(/[^\w.-]/g, '_')
    .slice(0, 80)}-${process.pid}`
}

function urlOf({ host, port }: HostPort): string | null {
  if (port === 0) return null
  const name = host === '' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

import { hostname } from 'node:os'
import type { HostPort } from '../core/index.ts'

const everywhere: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

/** `http://host:port` at which this host reaches what listens on an address. */
export function urlOnThisHost(address: HostPort, port: number): string {
  const host = everywhere.has(address.host) ? '127.0.0.1' : address.host
  return `http://${bracketed(host)}:${port}`
}

/** The address at which others reach the public port, as far as this host can tell. */
export function publicUrl(scheme: 'http' | 'https', address: HostPort, prefix: string): string {
  const host = everywhere.has(address.host) ? hostname() : address.host
  return `${scheme}://${bracketed(host)}:${address.port}${prefix}`
}

/** What schedulers report to: `Backend.api_url`, or the public address as far as this host can tell. */
export function apiUrlOf(
  backend: { readonly api_url: string | null; readonly runsOn: 'this-host' | 'nodes' },
  urls: { readonly privateUrl: string; readonly publicAddress: string },
): string {
  const { api_url, runsOn } = backend
  return api_url ?? `${runsOn === 'this-host' ? urls.privateUrl : urls.publicAddress}/api`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

export function isLoopback({ host }: HostPort): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { GatewayError } from '../core/index.ts'

/** Who is at the other end of a connection, as the door that took it knows. */
export interface Client {
  readonly address: string
  /** Whether the user's side is encrypted. */
  readonly secure: boolean
  /** Came from outside: paths begin with the prefix, and only what users may have is served. */
  readonly public: boolean
}

interface Connection extends Client {
  readonly trustedProxies: BlockList
}

const connections = new WeakMap<Duplex, Connection>()

/** Called by a door before it hands a connection to the HTTP server. */
export function introduce(socket: Duplex, client: Client, trustedProxies: BlockList): void {
  connections.set(socket, { ...client, trustedProxies })
}

/**
 * Who sent this request. `X-Forwarded-*` counts only from the proxies that are trusted; of a chain, the last address
 * that none of them has is the client's. A connection that no door introduced is an error of ours.
 */
export function clientOf(request: IncomingMessage): Client {
  const connection = connections.get(request.socket)
  if (connection === undefined) {
    throw new GatewayError('internal', 'A request came by a connection that no door took.')
  }
  const forwardedFor = request.headers['x-forwarded-for']
  const forwardedProto = request.headers['x-forwarded-proto']
  if (
    (forwardedFor === undefined && forwardedProto === undefined) ||
    !inNetworks(connection.trustedProxies, connection.address)
  ) {
    return connection
  }
  let { address } = connection
  for (const hop of String(forwardedFor ?? '')
    .split(',')
    .toReversed()) {
    const before = plainAddress(hop.trim())
    if (isIP(before) === 0) break
    address = before
    if (!inNetworks(connection.trustedProxies, before)) break
  }
  const proto = String(forwardedProto ?? '')
    .split(',')
    .at(-1)
    ?.trim()
  return { ...connection, address, secure: proto === 'https' || connection.secure }
}

/** `::ffff:192.0.2.1`, as dual-stack sockets say, is `192.0.2.1`. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address
}

function inNetworks(networks: BlockList, address: string): boolean {
  const version = isIP(address)
  return version !== 0 && networks.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/** Networks in CIDR form, or single addresses. Throws 'configuration' naming the wrong one and the setting. */
export function parseNetworks(settingName: string, networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.trim().split('/')
    const version = isIP(address)
    const most = version === 4 ? 32 : 128
    const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (version === 0 || !(length <= most)) {
      throw new GatewayError(
        'configuration',
        `${settingName}: ${JSON.stringify(network)} is no network: write "10.0.0.0/8", "fd00::/8" or an address.`,
      )
    }
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

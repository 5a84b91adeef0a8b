import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'
import { GatewayError } from '../core/index.ts'

/** What a reported address is held against. */
export interface AddressRules {
  /** Where the heartbeat came from. */
  readonly source: string
  /** Addresses of the node that the backend reports for the scheduler. */
  readonly nodeAddresses: readonly string[]
  /** `Backend.scheduler_networks`. */
  readonly networks: BlockList
  /** Ports of this host that are our own. */
  readonly ownPorts: readonly number[]
}

/** RFC 3927, RFC 4291 section 2.5.6, and the addresses at which clouds serve a machine's credentials. */
const never = new BlockList()
never.addSubnet('169.254.0.0', 16)
never.addSubnet('fe80::', 10, 'ipv6')
never.addAddress('fd00:ec2::254', 'ipv6')
never.addAddress('100.100.100.200')
never.addSubnet('0.0.0.0', 8)
never.addAddress('::', 'ipv6')
never.addSubnet('224.0.0.0', 4)
never.addSubnet('ff00::', 8, 'ipv6')

/**
 * Checks an address that a scheduler reports (it is somebody's code and could name anything inside the network).
 * Returns it in one form; throws 'invalid' with the sentence that its owner should read.
 */
export function checkSchedulerAddress(
  what: string,
  address: string,
  protocol: 'tls' | 'http',
  rules: AddressRules,
): string {
  const match = /^(tls|http):\/\/(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[4])
  const host = plain(match?.[2] ?? match?.[3] ?? '')
  if (match === null || match[1] !== protocol || isIP(host) === 0 || port < 1 || port > 65535)
    throw refused(what, address, `it is not ${protocol}://ADDRESS:PORT with a numeric address`)
  if (isNeverScheduler(host))
    throw refused(what, address, 'link-local, metadata and multicast addresses are never used')
  const own = isThisHost(host)
  if (own && rules.ownPorts.includes(port))
    throw refused(what, address, 'that is a port of the gateway itself')
  const allowed =
    sameAddress(host, rules.source) ||
    (own && isThisHost(rules.source)) ||
    rules.nodeAddresses.some((node) => sameAddress(host, node)) ||
    isIn(rules.networks, host)
  if (!allowed)
    throw refused(
      what,
      address,
      `the heartbeat came from ${plain(rules.source)}; addresses elsewhere must lie in Backend.scheduler_networks`,
    )
  return `${protocol}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Whether no scheduler can be at this address, whoever names it. */
export function isNeverScheduler(host: string): boolean {
  return isIn(never, plain(host))
}

function refused(what: string, address: string, why: string): GatewayError {
  const shown = address.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
  return new GatewayError('invalid', `The ${what} address "${shown}" is refused: ${why}`)
}

function isThisHost(address: string): boolean {
  const host = plain(address)
  if (host === '::1' || /^127\./.test(host)) return true
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((each) => sameAddress(each.address, host)),
  )
}

function sameAddress(a: string, b: string): boolean {
  if (isIP(plain(a)) === 0 || isIP(plain(b)) === 0) return false
  const list = new BlockList()
  list.addAddress(plain(a), isIPv6(plain(a)) ? 'ipv6' : 'ipv4')
  return isIn(list, b)
}

function isIn(list: BlockList, address: string): boolean {
  const host = plain(address)
  return isIP(host) !== 0 && list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

/** In one form: without a zone, and not as an IPv4 address in IPv6 clothes (RFC 4291, section 2.5.5.2). */
function plain(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (!isIPv6(bare)) return bare
  return new SocketAddress({ address: bare, family: 'ipv6' }).address.replace(
    /^::ffff:(?=\d+\.)/,
    '',
  )
}

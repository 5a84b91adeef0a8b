import { isIPv4, isIPv6, SocketAddress } from 'node:net'

// PROXY protocol version 2, haproxy's doc/proxy-protocol.txt, section 2.2:
//
//   12 bytes  signature 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
//    1 byte   version 2 (high four bits), command: 0 LOCAL, 1 PROXY
//    1 byte   family (high): 0 UNSPEC, 1 INET, 2 INET6, 3 UNIX; transport (low): 0 UNSPEC, 1 STREAM, 2 DGRAM
//    2 bytes  length of what follows, big-endian
//             source and destination address, source and destination port (INET: 4+4+2+2, INET6: 16+16+2+2),
//             or source and destination path (UNIX: 108+108, filled with zeros)
//             TLVs: 1 byte type, 2 bytes length, value

export interface ProxiedAddress {
  readonly family: 'tcp4' | 'tcp6' | 'unix'
  /** An IP address, or the path of a unix socket. */
  readonly address: string
  /** 0 for a unix socket. */
  readonly port: number
}

export type ProxyHeader =
  /** The connection is the proxy's own, for nobody else. */
  | { readonly command: 'local' }
  /** On behalf of `source`; both are null when the proxy did not know them (UNSPEC). */
  | {
      readonly command: 'proxy'
      readonly source: ProxiedAddress | null
      readonly destination: ProxiedAddress | null
    }

export type ProxyHeaderResult =
  | { readonly state: 'need-more' }
  /** What the sender says itself begins in `rest`. */
  | { readonly state: 'done'; readonly header: ProxyHeader; readonly rest: Buffer }
  | { readonly state: 'error'; readonly reason: string }

export const proxySignature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

const fixedBytes = 16
/** The specification asks for room for 536 bytes; more than this no proxy sends. */
const maxLength = 2048
const unixPathBytes = 108
const addressBytes = { tcp4: 12, tcp6: 36, unix: 2 * unixPathBytes }

/** The header for a connection from `source` to `destination` (IP addresses); without them the command is LOCAL. */
export function encodeProxyHeader(
  ends: {
    readonly source: { readonly address: string; readonly port: number }
    readonly destination: { readonly address: string; readonly port: number }
  } | null,
): Buffer {
  if (ends === null) return Buffer.concat([proxySignature, Buffer.from([0x20, 0, 0, 0])])
  const { source, destination } = ends
  const [from, to] = [plainAddress(source.address), plainAddress(destination.address)]
  const inet = isIPv4(from) && isIPv4(to)
  const addresses = inet ? [ipv4Bytes(from), ipv4Bytes(to)] : [ipv6Bytes(from), ipv6Bytes(to)]
  const head = Buffer.from([
    0x21,
    inet ? 0x11 : 0x21,
    0,
    inet ? addressBytes.tcp4 : addressBytes.tcp6,
  ])
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(source.port, 0)
  ports.writeUInt16BE(destination.port, 2)
  return Buffer.concat([proxySignature, head, ...addresses, ports])
}

/** Reads a header at the start of what has arrived so far. Garbage is known at its first byte. */
export function decodeProxyHeader(bytes: Buffer): ProxyHeaderResult {
  const seen = Math.min(bytes.length, proxySignature.length)
  if (bytes.compare(proxySignature, 0, seen, 0, seen) !== 0)
    return refused('does not begin with a PROXY protocol version 2 signature')
  const versionAndCommand = bytes[12] ?? 0x21
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21)
    return refused('has an unknown version or command')
  const local = versionAndCommand === 0x20
  const family = bytes.length > 13 ? familyOf(bytes[13] ?? 0) : 'unspecified'
  if (family === null && !local) return refused('has an unknown or unsupported address family')
  if (bytes.length < fixedBytes) return { state: 'need-more' }
  const length = bytes.readUInt16BE(14)
  if (length > maxLength) return refused(`is longer than ${maxLength} bytes`)
  if (bytes.length < fixedBytes + length) return { state: 'need-more' }
  const body = bytes.subarray(fixedBytes, fixedBytes + length)
  const rest = bytes.subarray(fixedBytes + length)
  // "The receiver must accept this connection as valid and must … discard the protocol block".
  if (local) return { state: 'done', header: { command: 'local' }, rest }
  if (family === null || family === 'unspecified')
    return { state: 'done', header: { command: 'proxy', source: null, destination: null }, rest }
  if (body.length < addressBytes[family]) return refused('is too short for its addresses')
  if (!areTlvs(body.subarray(addressBytes[family]))) return refused('has a broken TLV')
  const ends = readEnds(family, body)
  if (ends === null) return refused('has a broken path')
  return { state: 'done', header: { command: 'proxy', ...ends }, rest }
}

function refused(why: string): ProxyHeaderResult {
  return { state: 'error', reason: `The PROXY header ${why}` }
}

function familyOf(byte: number): 'unspecified' | 'tcp4' | 'tcp6' | 'unix' | null {
  switch (byte) {
    case 0x00:
      return 'unspecified'
    case 0x11:
      return 'tcp4'
    case 0x21:
      return 'tcp6'
    case 0x31:
      return 'unix'
    default:
      return null
  }
}

function areTlvs(bytes: Buffer): boolean {
  let at = 0
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return false
    at += 3 + bytes.readUInt16BE(at + 1)
  }
  return at === bytes.length
}

function readEnds(
  family: ProxiedAddress['family'],
  body: Buffer,
): { source: ProxiedAddress; destination: ProxiedAddress } | null {
  if (family === 'unix') {
    const source = readPath(body.subarray(0, unixPathBytes))
    const destination = readPath(body.subarray(unixPathBytes, 2 * unixPathBytes))
    if (source === null || destination === null) return null
    return {
      source: { family, address: source, port: 0 },
      destination: { family, address: destination, port: 0 },
    }
  }
  const width = family === 'tcp4' ? 4 : 16
  const address = family === 'tcp4' ? ipv4Text : ipv6Text
  return {
    source: {
      family,
      address: address(body.subarray(0, width)),
      port: body.readUInt16BE(2 * width),
    },
    destination: {
      family,
      address: address(body.subarray(width, 2 * width)),
      port: body.readUInt16BE(2 * width + 2),
    },
  }
}

/** A path ends at the first zero; what follows must be zeros too. Abstract names (a zero first) are shown with `@`. */
function readPath(bytes: Buffer): string | null {
  const abstract = bytes[0] === 0 && bytes.some((byte) => byte !== 0)
  const path = abstract ? bytes.subarray(1) : bytes
  const end = path.indexOf(0)
  if (end >= 0 && path.subarray(end).some((byte) => byte !== 0)) return null
  const text = path.subarray(0, end < 0 ? path.length : end).toString('utf8')
  return abstract ? `@${text}` : text
}

/** Without the zone of a link-local address, and IPv4 where it was mapped into IPv6 (a socket that takes both). */
function plainAddress(address: string): string {
  const plain = address.replace(/%.*$/, '')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain
  if (!isIPv4(mapped) && !isIPv6(mapped)) throw new TypeError(`No IP address: ${address}`)
  return mapped
}

const ipv4Bytes = (text: string) => Buffer.from(text.split('.').map(Number))
const ipv4Text = (bytes: Buffer) => [...bytes].join('.')

function ipv6Bytes(text: string): Buffer {
  if (isIPv4(text))
    return Buffer.concat([Buffer.from(`${'00'.repeat(10)}ffff`, 'hex'), ipv4Bytes(text)])
  // The platform's shortest form has at most one "::" and may end in a dotted IPv4 part.
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const [a, b, c, d] = (dotted?.slice(1) ?? []).map(Number)
  const hexadecimal =
    dotted === null ? text : `${text.slice(0, dotted.index)}${group(a, b)}:${group(c, d)}`
  const [front = '', back] = hexadecimal.split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const [left, right] = [groups(front), groups(back)]
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const all = back === undefined ? left : [...left, ...zeros, ...right]
  return Buffer.from(all.map((each) => each.padStart(4, '0')).join(''), 'hex')
}

const group = (high = 0, low = 0) => (high * 256 + low).toString(16)

function ipv6Text(bytes: Buffer): string {
  const groups = bytes.toString('hex').match(/.{4}/g) ?? []
  return new SocketAddress({ family: 'ipv6', address: groups.join(':') }).address
}

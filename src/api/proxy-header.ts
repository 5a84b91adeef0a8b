// PROXY protocol, version 2 (proxy-protocol.txt of HAProxy, section 2.2):
//
//   signature 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
//   version and command: 0x20 LOCAL, 0x21 PROXY
//   family and transport: 0x11 TCP over IPv4, 0x21 TCP over IPv6, others without a usable address
//   length of what follows, big-endian, 16 bits: source address, destination address, source port, destination port, then TLVs
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

export interface ProxyHeader {
  /** null: the proxy's own connection, or one without an address. */
  readonly source: { readonly address: string } | null
  readonly length: number
}

export function decodeProxyHeader(bytes: Buffer): ProxyHeader | 'incomplete' | 'invalid' {
  const known = Math.min(bytes.length, signature.length)
  if (bytes.compare(signature, 0, known, 0, known) !== 0) return 'invalid'
  if (bytes.length < 16) return 'incomplete'
  const command = bytes.readUInt8(12)
  if (command !== 0x20 && command !== 0x21) return 'invalid'
  const family = bytes.readUInt8(13)
  const length = 16 + bytes.readUInt16BE(14)
  if (bytes.length < length) return 'incomplete'
  if (command === 0x20) return { source: null, length }
  if (family === 0x11 && length >= 28) {
    return { source: { address: [...bytes.subarray(16, 20)].join('.') }, length }
  }
  if (family === 0x21 && length >= 52) return { source: { address: ipv6(bytes) }, length }
  return family === 0x11 || family === 0x21 ? 'invalid' : { source: null, length }
}

function ipv6(bytes: Buffer): string {
  // IPv4 as a dual-stack socket writes it (RFC 4291, section 2.5.5.2).
  if (bytes.toString('hex', 16, 28) === '00000000000000000000ffff') {
    return [...bytes.subarray(28, 32)].join('.')
  }
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(16 + 2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

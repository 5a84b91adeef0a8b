// The first flight of TLS: RFC 8446 sections 5.1 (records), 4 (handshake), 4.1.2 (ClientHello), 4.2 (extensions);
// RFC 6066 section 3 (server_name):
//
//   record     type 22, version 3.x, length 1..2^14, fragment        the hello may lie in several records
//   handshake  type 1, length (3 bytes), body
//   body       version 3.x, random 32, session id <0..32>, cipher suites <2..2^16-2>, compression <1..255>,
//              extensions <0..2^16-1> (may be missing)
//   extension  type (2 bytes), data <0..2^16-1>; no type twice
//   server_name  list <1..2^16-1> of: name type 0, host name <1..2^16-1>

export type ClientHelloResult =
  /** Nothing new can be said before there are `atLeast` bytes in all. */
  | { readonly state: 'need-more'; readonly atLeast: number }
  /** `serverName` in lower case; null: the client named none. */
  | { readonly state: 'done'; readonly serverName: string | null }
  | { readonly state: 'error'; readonly reason: string }

export const maxClientHelloBytes = 64 * 1024
/** A hello fits into five full records; a client may cut it finer, but each cut costs us a look. */
const maxRecords = 64

/**
 * Reads the name that a TLS client asks for from the bytes it has sent so far, without taking part in TLS. What is malformed, or
 * what two servers could read differently (a name twice, junk behind the list), is an error.
 */
export function readClientHello(bytes: Buffer): ClientHelloResult {
  const fragments: Buffer[] = []
  let collected = 0
  let at = 0
  for (let records = 0; records < maxRecords; records++) {
    if (at < bytes.length && bytes[at] !== 22) return refused('is no TLS handshake')
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return refused('has an unknown TLS version')
    if (bytes.length < at + 5) return needMore(at + 5)
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > 2 ** 14) return refused('has a record of a wrong length')
    if (at + 5 + length > maxClientHelloBytes) return refused('is longer than 64 KiB')
    if (bytes.length < at + 5 + length) return needMore(at + 5 + length)
    fragments.push(bytes.subarray(at + 5, at + 5 + length))
    collected += length
    at += 5 + length
    if (fragments[0]?.[0] !== 1) return refused('is another handshake message')
    if (collected < 4) continue
    const handshake = fragments.length === 1 ? (fragments[0] ?? bytes) : Buffer.concat(fragments)
    const bodyLength = handshake.readUIntBE(1, 3)
    if (4 + bodyLength > maxClientHelloBytes) return refused('is longer than 64 KiB')
    if (collected > 4 + bodyLength) return refused('is followed by something in its own record')
    if (collected === 4 + bodyLength) return readBody(handshake.subarray(4))
  }
  return refused(`is cut into more than ${maxRecords} records`)
}

function needMore(atLeast: number): ClientHelloResult {
  return { state: 'need-more', atLeast }
}

function refused(why: string): ClientHelloResult {
  return { state: 'error', reason: `The TLS hello ${why}` }
}

function readBody(body: Buffer): ClientHelloResult {
  const reader = new VectorReader(body)
  const version = reader.take(2)
  const random = reader.take(32)
  const session = reader.vector(1)
  const ciphers = reader.vector(2)
  const compression = reader.vector(1)
  if (version?.[0] !== 3 || random === null || session === null || session.length > 32)
    return refused('is malformed')
  if (ciphers === null || ciphers.length < 2 || ciphers.length % 2 === 1)
    return refused('has a malformed list of cipher suites')
  if (compression === null || compression.length < 1)
    return refused('has a malformed list of compression methods')
  if (reader.atEnd) return { state: 'done', serverName: null }
  const extensions = reader.vector(2)
  if (extensions === null || !reader.atEnd) return refused('has junk at its end')
  return readExtensions(extensions)
}

function readExtensions(extensions: Buffer): ClientHelloResult {
  const reader = new VectorReader(extensions)
  const seen = new Set<number>()
  let serverName: string | null = null
  while (!reader.atEnd) {
    const type = reader.take(2)?.readUInt16BE(0)
    const data = reader.vector(2)
    if (type === undefined || data === null) return refused('has a malformed extension')
    if (seen.has(type)) return refused('has an extension twice')
    seen.add(type)
    if (type !== 0) continue
    serverName = readServerName(data)
    if (serverName === null) return refused('has a malformed server name')
  }
  return { state: 'done', serverName }
}

/** Exactly one host name, in the characters of host names; null: anything else. */
function readServerName(data: Buffer): string | null {
  const outer = new VectorReader(data)
  const list = outer.vector(2)
  if (list === null || !outer.atEnd) return null
  const names = new VectorReader(list)
  const type = names.take(1)?.[0]
  const name = names.vector(2)?.toString('latin1')
  if (type !== 0 || name === undefined || !names.atEnd) return null
  return /^[A-Za-z0-9._-]{1,255}$/.test(name) ? name.toLowerCase() : null
}

/** Reads TLS vectors one after another; null where the bytes do not suffice. */
class VectorReader {
  private at = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length
  }

  take(count: number): Buffer | null {
    if (this.at + count > this.bytes.length) return null
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  /** A vector whose length stands before it in `lengthBytes` bytes. */
  vector(lengthBytes: number): Buffer | null {
    const length = this.take(lengthBytes)
    return length === null ? null : this.take(length.readUIntBE(0, lengthBytes))
  }
}

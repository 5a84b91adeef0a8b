import { open } from 'node:fs/promises'
import { KerberosError } from './kerberos-error.ts'

/** One key of a keytab, but for the key itself. */
export interface KeytabEntry {
  readonly components: readonly string[]
  readonly realm: string
  /** `HTTP/host@REALM`. */
  readonly principal: string
  /** The key's version (kvno), as the KDC counts them. */
  readonly version: number
}

const maxBytes = 4 << 20

/** Reads a keytab's principals. Rejects with a KerberosError that names the file and what is wrong with it. */
export async function readKeytab(path: string): Promise<readonly KeytabEntry[]> {
  let bytes: Buffer
  try {
    const file = await open(path, 'r')
    try {
      if ((await file.stat()).size > maxBytes) throw new Error('it is larger than 4 MiB')
      bytes = await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new KerberosError('keytab', `The keytab ${path} cannot be read: ${why}`, { cause: error })
  }
  return parseKeytab(bytes, path)
}

/*
 * MIT's keytab format, version 2; all numbers big-endian:
 *   file:      5, 2, then entries
 *   entry:     int32 size (negative: a hole of that size), then
 *              uint16 count, string realm, string component × count, uint32 name type, uint32 time, uint8 version,
 *              uint16 encryption, string key, and, where 4 bytes are left, uint32 version
 *   string:    uint16 length, bytes
 */
export function parseKeytab(bytes: Buffer, path: string): readonly KeytabEntry[] {
  if (bytes.length < 2 || bytes[0] !== 5 || bytes[1] !== 2)
    throw new KerberosError('keytab', `${path} is no keytab: it does not begin with 05 02`)
  const entries: KeytabEntry[] = []
  let at = 2
  try {
    while (at + 4 <= bytes.length) {
      const size = bytes.readInt32BE(at)
      at += 4
      if (size === 0) break
      if (size > 0) entries.push(parseEntry(bytes.subarray(at, at + size)))
      at += Math.abs(size)
    }
  } catch (error) {
    throw new KerberosError('keytab', `The keytab ${path} is damaged`, { cause: error })
  }
  return entries
}

function parseEntry(entry: Buffer): KeytabEntry {
  let at = 2
  const text = (): string => {
    const end = at + 2 + entry.readUInt16BE(at)
    if (end > entry.length) throw new RangeError('a string ends beyond its entry')
    const value = entry.toString('utf8', at + 2, end)
    at = end
    return value
  }
  const count = entry.readUInt16BE(0)
  const realm = text()
  const components = Array.from({ length: count }, text)
  at += 8
  const shortVersion = entry.readUInt8(at)
  at += 3
  text()
  const version = at + 4 <= entry.length ? entry.readUInt32BE(at) : 0
  const principal = `${components.join('/')}@${realm}`
  return { components, realm, principal, version: version === 0 ? shortVersion : version }
}

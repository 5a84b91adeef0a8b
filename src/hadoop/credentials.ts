import { HadoopError } from './errors.ts'
import type { Token } from './rpc/authenticate.ts'

// The credentials of a container (org.apache.hadoop.security.Credentials, version 0), as the launch context carries them and as the file
// $HADOOP_TOKEN_FILE_LOCATION holds them:
//
//     blob   := "HDTS" 0x00 vint(n) n*( text alias, data identifier, data password, text kind, text service ) vint(m) m*( text alias, data secret )
//     text, data := vint(length) bytes
//     vint   := one byte for -112…127, else one byte that is -112 minus the count of bytes that follow, high byte first (-120 minus it,
//               and the bytes of the complement, for negative numbers, which lengths are not)

export interface Credentials {
  /** By alias, which for HDFS is the token's service. */
  readonly tokens: ReadonlyMap<string, Token>
  readonly secrets: ReadonlyMap<string, Uint8Array>
}

export function encodeCredentials({ tokens, secrets }: Credentials): Buffer {
  const parts: Uint8Array[] = [Buffer.from('HDTS\0', 'latin1')]
  const add = (...values: readonly (Uint8Array | string)[]) => {
    for (const value of values) {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      parts.push(vint(bytes.length), bytes)
    }
  }
  parts.push(vint(tokens.size))
  for (const [alias, { identifier, password, kind, service }] of tokens)
    add(alias, identifier, password, kind, service)
  parts.push(vint(secrets.size))
  for (const [alias, secret] of secrets) add(alias, secret)
  return Buffer.concat(parts)
}

/** Throws HadoopError `protocol` for what is no such blob. */
export function decodeCredentials(blob: Buffer): Credentials {
  let at = 0
  const bytes = (length: number): Buffer => {
    if (length > blob.length - at) throw refused('it is cut off')
    at += length
    return Buffer.from(blob.subarray(at - length, at))
  }
  const number = (): number => {
    const first = bytes(1).readInt8()
    if (first >= 0) return first
    const count = -112 - first
    if (count < 1 || count > 4) throw refused('a length is out of range')
    return bytes(count).readUIntBE(0, count)
  }
  const data = () => bytes(number())
  const text = () => data().toString('utf8')

  if (bytes(5).toString('latin1') !== 'HDTS\0') throw refused('it does not begin with HDTS')
  const tokens = new Map<string, Token>()
  for (let left = number(); left > 0; left -= 1)
    tokens.set(text(), { identifier: data(), password: data(), kind: text(), service: text() })
  const secrets = new Map<string, Uint8Array>()
  for (let left = number(); left > 0; left -= 1) secrets.set(text(), data())
  return { tokens, secrets }
}

function vint(value: number): Buffer {
  if (value <= 127) return Buffer.from([value])
  const count = value < 1 << 8 ? 1 : value < 1 << 16 ? 2 : value < 1 << 24 ? 3 : 4
  const encoded = Buffer.alloc(1 + count)
  encoded.writeInt8(-112 - count)
  encoded.writeUIntBE(value, 1, count)
  return encoded
}

function refused(why: string): HadoopError {
  return new HadoopError('protocol', `credentials of Hadoop cannot be read: ${why}`)
}

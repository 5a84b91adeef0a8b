import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { GatewayError } from '../core/index.ts'

/** Where a secret stands. It is sealed for its place: moved to another row or column it does not open. */
export interface SecretPlace {
  readonly table: string
  readonly column: string
  /** The row's primary key. */
  readonly row: string
}

/** Seals and opens the secrets of the records: the first key seals, all open. */
export interface SecretBox {
  seal(secret: string, place: SecretPlace): string
  /** Throws 'configuration' when no key fits, 'internal' when the sealed text was changed or moved. */
  open(sealed: string, place: SecretPlace): string
  /** Whether it was sealed by another key than the first. */
  isOld(sealed: string): boolean
}

/*
  sealed = "s1:" key-id ":" base64(nonce || ciphertext || tag)     AES-256-GCM, NIST SP 800-38D
    key-id = the first 8 hexadecimal digits of SHA-256("dask-gateway key id" || key): tells keys apart, not a secret
    nonce  = 12 random bytes; tag = 16 bytes
    associated data = table/column/row
*/
const nonceBytes = 12
const tagBytes = 16

/** `keysFrom` tells, in errors, where the keys came from and what to do. */
export function secretBox(
  keys: readonly [Buffer, ...(readonly Buffer[])],
  keysFrom: string,
): SecretBox {
  // With a key as bytes, Node takes three times as long for each secret.
  const byId = new Map(keys.map((key): [string, KeyObject] => [keyId(key), createSecretKey(key)]))
  const sealingId = keyId(keys[0])
  const sealingKey = createSecretKey(keys[0])
  return {
    seal(secret, place) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce)
      cipher.setAAD(associatedData(place))
      const bytes = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return `s1:${sealingId}:${Buffer.concat(bytes).toString('base64')}`
    },
    open(sealed, place) {
      const [, id = '', text = ''] = /^s1:([0-9a-f]{8}):([A-Za-z0-9+/=]+)$/.exec(sealed) ?? []
      const bytes = Buffer.from(text, 'base64')
      if (bytes.length < nonceBytes + tagBytes)
        throw damaged(place, 'is not in the form of a sealed secret')
      const key = byId.get(id)
      if (key === undefined)
        throw new GatewayError(
          'configuration',
          `The encryption key does not fit the database: ${nameOf(place)} was sealed with another key. ${keysFrom}`,
        )
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(associatedData(place))
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      try {
        const start = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
        return Buffer.concat([start, decipher.final()]).toString('utf8')
      } catch (cause) {
        throw damaged(place, 'was changed or moved since it was sealed', cause)
      }
    },
    isOld: (sealed) => !sealed.startsWith(`s1:${sealingId}:`),
  }
}

function keyId(key: Buffer): string {
  return createHash('sha256').update('dask-gateway key id').update(key).digest('hex').slice(0, 8)
}

function associatedData(place: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([place.table, place.column, place.row]))
}

function nameOf(place: SecretPlace): string {
  return `${place.table}.${place.column} of "${place.row}"`
}

function damaged(place: SecretPlace, why: string, cause?: unknown): GatewayError {
  return new GatewayError(
    'internal',
    `The database is damaged: ${nameOf(place)} ${why}. Restore the database from a backup, or move it away to begin anew.`,
    { cause },
  )
}

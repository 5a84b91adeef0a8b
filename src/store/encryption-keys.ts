import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { GatewayError, messageOf } from '../core/index.ts'
import { type SecretBox, secretBox } from './secret-box.ts'

const settingNames = 'DBBackendBase.db_encrypt_keys (or DASK_GATEWAY_ENCRYPT_KEYS)'
const keyBytes = 32

export function keyFileOf(databasePath: string): string {
  return `${databasePath}.key`
}

/** The keys of the settings. An error names a key by its position, never by its value. */
export function secretBoxOfSettings(encryptKeys: readonly string[], keyFile: string): SecretBox {
  const keys = encryptKeys.map((text, index) => {
    const key = decodeKey(text)
    if (key !== null) return key
    throw new GatewayError(
      'configuration',
      `Key ${index + 1} of ${encryptKeys.length} in ${settingNames} is not the base64 form of 32 bytes. "openssl rand -base64 32" makes one.`,
    )
  })
  const hint = existsSync(keyFile)
    ? ` If it was ${keyFile}, add that file's text as the last of the keys.`
    : ''
  return boxOf(
    keys,
    `Add the key that was used before to ${settingNames}, after the new one.${hint}`,
  )
}

/**
 * The key file beside the database. It is made only when `mayCreate`, that is when there is no secret yet that
 * another key has sealed.
 */
export function secretBoxOfFile(keyFile: string, mayCreate: boolean): SecretBox {
  const key = readKeyFile(keyFile) ?? (mayCreate ? createKeyFile(keyFile) : null)
  if (key === null)
    throw new GatewayError(
      'configuration',
      `The key file ${keyFile} is missing, and the database beside it holds secrets that only that key opens. Restore the file, or give the key in ${settingNames}, or move the database away to begin anew.`,
    )
  return boxOf(
    [key],
    `The key came from ${keyFile}. Restore the file that belongs to this database, or give its key in ${settingNames}.`,
  )
}

/** For a database in memory: the same code, with a key that nobody keeps. */
export function secretBoxOfMemory(): SecretBox {
  return boxOf([randomBytes(keyBytes)], 'It is a database in memory.')
}

function boxOf(keys: readonly Buffer[], keysFrom: string): SecretBox {
  const [first, ...others] = keys
  if (first === undefined)
    throw new GatewayError('configuration', `${settingNames} holds no key. Give one, or None.`)
  return secretBox([first, ...others], keysFrom)
}

/** Standard base64 or the URL's alphabet (the old server took the latter); null: neither, or not 32 bytes. */
function decodeKey(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text.trim())) return null
  const key = Buffer.from(text.trim(), 'base64')
  return key.length === keyBytes ? key : null
}

/** null: there is no such file. A link is not followed: somebody else may have laid it. */
function readKeyFile(keyFile: string): Buffer | null {
  let descriptor: number
  try {
    descriptor = openSync(keyFile, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    const why =
      code === 'ELOOP'
        ? 'is a symbolic link, which is not followed'
        : `cannot be read: ${messageOf(cause)}`
    throw wrongFile(keyFile, why, cause)
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw wrongFile(keyFile, 'is not a regular file')
    if ((stats.mode & 0o077) !== 0)
      throw wrongFile(keyFile, 'may be read by others. If nobody has, "chmod 600" it')
    const key = decodeKey(readFileSync(descriptor, 'ascii'))
    if (key === null) throw wrongFile(keyFile, 'does not hold the base64 form of 32 bytes')
    return key
  } finally {
    closeSync(descriptor)
  }
}

/** Under another name first, so that a crash leaves a whole key file or none. */
function createKeyFile(keyFile: string): Buffer {
  const key = randomBytes(keyBytes)
  const draft = `${keyFile}.new`
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  try {
    rmSync(draft, { force: true })
    writeDurably(openSync(draft, flags, 0o600), `${key.toString('base64')}\n`)
    // Unlike rename(2), link(2) never replaces a key that is there.
    linkSync(draft, keyFile)
    rmSync(draft)
    // The name is durable only when its directory is: fsync(2).
    writeDurably(openSync(dirname(keyFile), constants.O_RDONLY), '')
  } catch (cause) {
    throw wrongFile(keyFile, `cannot be written: ${messageOf(cause)}`, cause)
  }
  return key
}

function writeDurably(descriptor: number, text: string): void {
  try {
    if (text !== '') writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function wrongFile(keyFile: string, why: string, cause?: unknown): GatewayError {
  return new GatewayError('configuration', `The key file ${keyFile} ${why}.`, { cause })
}

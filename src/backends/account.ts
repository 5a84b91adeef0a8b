import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { GatewayError } from '../core/index.ts'

/** Whom processes run as. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
  /** The gateway's own: no right has to be given up. */
  readonly own: boolean
}

/** Why a cluster cannot be run, in words for its user. */
export interface Refused {
  readonly refused: string
}

/**
 * The account that the system's user database knows by exactly this name, if it may run users' processes: an ordinary
 * one, never root or another of the system's. Throws when the database does not answer.
 */
export async function lookUpAccount(name: string, signal: AbortSignal): Promise<Account | Refused> {
  const quoted = JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
  if (!isAccountName(name))
    return { refused: `${quoted} cannot be the name of an account on the gateway's machine` }
  const entry = await passwdEntry(name, signal)
  if (entry === null) return { refused: `there is no account ${quoted} on the gateway's machine` }
  if (entry.name !== name)
    return {
      refused: `the gateway's machine knows ${quoted} as ${JSON.stringify(entry.name)}; use that name`,
    }
  const { uid, gid, home, shell } = entry
  const lowest = lowestUserUid()
  if (uid < lowest)
    return {
      refused: `${quoted} is an account of the system (uid ${uid}, ordinary ones begin at ${lowest}), which may not run clusters`,
    }
  // Two names of one uid are one account to the system, and its groups would be the other name's.
  if ((await passwdEntry(String(uid), signal))?.name !== name)
    return { refused: `the account ${quoted} has not its uid ${uid} for itself` }
  return { name, uid, gid, home, shell: shell || '/bin/sh', own: uid === process.getuid?.() }
}

/**
 * Names that mean one account and nothing else: digits alone are a uid to most programs, `#` and `%` a uid and a group to
 * some, `-` and `+` at the start an option and an entry of NIS, and `/` another folder.
 */
function isAccountName(name: string): boolean {
  return (
    /^[A-Za-z0-9_][A-Za-z0-9._@+-]*\$?$/.test(name) && !/^\d+$/.test(name) && name.length <= 256
  )
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

/** An entry of passwd(5), by name or uid; null: there is none. */
async function passwdEntry(key: string, signal: AbortSignal): Promise<PasswdEntry | null> {
  const text = await getent(key, signal)
  if (text === null) return null
  const [name, , uid = '', gid = '', , home, shell = ''] = (text.split('\n')[0] ?? '').split(':')
  if (name === undefined || home === undefined || !isId(uid) || !isId(gid))
    throw new GatewayError('unavailable', `the entry of ${key} in the user database is not whole`)
  return { name, uid: Number(uid), gid: Number(gid), home, shell }
}

async function getent(key: string, signal: AbortSignal): Promise<string | null> {
  try {
    const options = { timeout: 10_000, signal }
    return (await promisify(execFile)('getent', ['passwd', key], options)).stdout
  } catch (cause) {
    // getent(1): 2 says that the key was not found.
    if ((cause as { code?: unknown }).code === 2) return null
    throw new GatewayError('unavailable', `the system does not tell who ${key} is`, { cause })
  }
}

/** The highest number of 32 bits means "as it is" to the system. */
function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1
}

/** UID_MIN of /etc/login.defs; accounts below it belong to the system. Root is never above it. */
function lowestUserUid(): number {
  try {
    const text = readFileSync('/etc/login.defs', 'utf8')
    return Math.max(1, Number(/^\s*UID_MIN\s+(\d+)/m.exec(text)?.[1] ?? 1000))
  } catch {
    return 1000
  }
}

import { execFile } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { promisify } from 'node:util'
import { GatewayError } from '../../core/index.ts'
import { setpriv } from './as-account.ts'

/** Whom processes run as. `name` null: as the gateway itself. */
export interface Account {
  readonly name: string | null
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** The gateway's own account; refused for root, as no user's process may run as root. */
export function ownAccount(): Account {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) return { name: null, uid, gid: process.getgid?.() ?? 0, home: homedir() }
  throw new GatewayError(
    'configuration',
    'UnsafeLocalBackend runs clusters as the account that the gateway was started by, and root may not run them: ' +
      'start the gateway as another account, or name one: c.UnsafeLocalBackend.user = "NAME"',
  )
}

/** The account with exactly this name in the system's user database, if it may run users' processes. */
export async function accountNamed(name: string, signal: AbortSignal): Promise<Account> {
  const refuse = (why: string) =>
    new GatewayError('configuration', `UnsafeLocalBackend.user = ${JSON.stringify(name)}: ${why}`)
  if (!/^[A-Za-z_][A-Za-z0-9._@-]*$/.test(name)) throw refuse('this is no name of an account')
  const entry = await passwdEntry(name, signal)
  const [entryName, , uid, gid, , home] = entry?.split(':') ?? []
  if (entryName !== name || home === undefined) throw refuse('there is no such account')
  const account = { name, uid: Number(uid), gid: Number(gid), home }
  const ownUid = process.getuid?.()
  if (account.uid === ownUid && ownUid !== 0) return { ...account, name: null }
  if (ownUid !== 0)
    throw refuse('only a gateway started as root can run clusters as another account')
  if (account.uid < lowestUserUid())
    throw refuse(`this is an account of the system (uid ${uid}); name an ordinary one`)
  await access(setpriv, constants.X_OK).catch(() => {
    throw refuse(`${setpriv} (util-linux) is needed to run processes as another account`)
  })
  return account
}

async function passwdEntry(name: string, signal: AbortSignal): Promise<string | null> {
  try {
    const options = { timeout: 10_000, signal }
    return (await promisify(execFile)('getent', ['passwd', name], options)).stdout.trim()
  } catch (error) {
    // getent(1): 2 says that the key was not found.
    if ((error as { code?: unknown }).code === 2) return null
    throw new GatewayError('configuration', `UnsafeLocalBackend.user: cannot look up ${name}`, {
      cause: error,
    })
  }
}

/** UID_MIN of /etc/login.defs; accounts below it belong to the system. */
function lowestUserUid(): number {
  try {
    const text = readFileSync('/etc/login.defs', 'utf8')
    return Number(/^\s*UID_MIN\s+(\d+)/m.exec(text)?.[1] ?? 1000)
  } catch {
    return 1000
  }
}

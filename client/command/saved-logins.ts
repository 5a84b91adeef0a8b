import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { basic, bearer, createGatewayClient, type GatewayClient } from '../src/index.ts'
import { UsageError } from './exit-codes.ts'
import { fetchByTicket } from './kerberos-login.ts'

/** Secret. What `login` keeps of one gateway. */
export type SavedLogin =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** By the tickets of kinit; there is no secret to keep. */
  | { readonly kerberos: true }

export interface SavedLogins {
  /** The address of the last login; it is used when none is given. */
  readonly current: string | null
  readonly logins: { readonly [address: string]: SavedLogin }
}

/** `dask-gateway/logins.json` where the XDG Base Directory Specification says. */
export function loginsPath(environment: NodeJS.ProcessEnv): string {
  const { XDG_CONFIG_HOME: configHome = '' } = environment
  const base = configHome.startsWith('/')
    ? configHome
    : join(environment.HOME ?? homedir(), '.config')
  return join(base, 'dask-gateway', 'logins.json')
}

/** Throws a UsageError when somebody else could have read or written the file. */
export async function readLogins(path: string): Promise<SavedLogins> {
  let text: string
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const { mode, uid } = await file.stat()
      if ((mode & 0o077) !== 0 || uid !== process.getuid?.())
        throw new UsageError(
          `${path} holds passwords and can be read by others: chmod 600 it, or remove it and log in again`,
        )
      text = await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, logins: {} }
    throw error
  }
  try {
    const { current = null, logins = {} } = JSON.parse(text) as Partial<SavedLogins>
    return { current, logins }
  } catch {
    throw new UsageError(
      `${path} is not as "dask-gateway login" wrote it: remove it and log in again`,
    )
  }
}

/** Under another name first, so that a reader sees the old or the new. */
export async function writeLogins(path: string, logins: SavedLogins): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await chmod(dirname(path), 0o700)
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(logins, null, 2)}\n`)
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

export function clientOf(address: string, login: SavedLogin | undefined): GatewayClient {
  if (login === undefined) return createGatewayClient({ address })
  if ('kerberos' in login) return createGatewayClient({ address, fetch: fetchByTicket })
  const auth = 'token' in login ? bearer(login.token) : basic(login.user, login.password)
  return createGatewayClient({ address, auth })
}

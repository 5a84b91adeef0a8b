import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Account } from './account.ts'

export interface KeptConfiguration {
  readonly file: string
  /** As it stands there now; '' where somebody has taken it out. */
  password(): string
}

/**
 * The configuration of `npm start`: made with a random password the first time, then kept, so that people may change it
 * and the password stays. Only the gateway's account can read it.
 */
export function keptConfiguration(file: string, account: Account | null): KeptConfiguration {
  if (!existsSync(file)) write(file, account)
  return { file, password: () => text(parse(file), 'SimpleAuthenticator', 'password') ?? '' }
}

function write(file: string, account: Account | null): void {
  const content = {
    DaskGateway: { backend_class: 'dask_gateway_server.backends.local.UnsafeLocalBackend' },
    Proxy: { address: '127.0.0.1:8000' },
    SimpleAuthenticator: { password: randomBytes(18).toString('base64url') },
    DBBackendBase: { db_url: 'sqlite:///dask_gateway.sqlite' },
  }
  // Written whole under another name first: one that was cut off must not stand for the password. A link, unlike a
  // rename, does not replace the file of a start that was quicker.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  if (account !== null) chownSync(draft, account.uid, account.gid)
  try {
    linkSync(draft, file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    rmSync(draft)
  }
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} is not JSON; correct it, or remove it to have a new one made`, {
      cause,
    })
  }
}

function text(content: unknown, className: string, setting: string): string | null {
  const settings = (content as Record<string, Record<string, unknown> | undefined> | null)?.[
    className
  ]
  const value = settings?.[setting]
  return typeof value === 'string' ? value : null
}

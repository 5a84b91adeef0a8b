import { execFileSync } from 'node:child_process'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** The account of that name in the system's user database. Throws when there is none. */
export function accountOf(name: string): Account {
  const line = execFileSync('getent', ['passwd', name], { encoding: 'utf8', timeout: 10_000 })
  const [found, , uid, gid, , home] = line.trim().split(':')
  if (found !== name || uid === undefined || gid === undefined || home === undefined)
    throw new Error(`the user database has no user ${name}`)
  if (uid === '0') throw new Error(`the user ${name} is root; the gateway must not run as root`)
  return { name, uid: Number(uid), gid: Number(gid), home }
}

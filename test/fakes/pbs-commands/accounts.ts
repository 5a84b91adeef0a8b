import { execFileSync } from 'node:child_process'

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

const known = new Map<number, User>()

export function userOf(uid: number): User {
  const user = known.get(uid) ?? lookUp(uid)
  known.set(uid, user)
  return user
}

function lookUp(uid: number): User {
  const line = execFileSync('getent', ['passwd', String(uid)], { encoding: 'utf8' }).trim()
  const [name = '', , , gid = '', , home = '', shell = ''] = line.split(':')
  return { name, uid, gid: Number(gid), home, shell }
}

/** How a command is begun as a user, with this environment and nothing else. */
export function asUser(user: User, environment: Readonly<Record<string, string>>): string[] {
  const names = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return [
    ...['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'],
    ...['env', '-i', ...names],
  ]
}

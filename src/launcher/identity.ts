import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { LauncherFailure } from './failure.ts'

/** Whom this process acts for: its own account, as the user database has it, whatever the environment says. */
export interface Identity {
  readonly name: string
  readonly uid: number
  readonly home: string
}

/** Refuses root, the accounts of the system, and a process whose rights are not those of its user alone. */
export function ownIdentity(): Identity {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  const refuse = (why: string) =>
    new LauncherFailure('refused', `The launcher ${why}; it must be run as a user of the queue`)
  if (uid === 0 || process.geteuid?.() === 0) throw refuse('never runs as root')
  if (uid !== process.geteuid?.() || gid !== process.getegid?.())
    throw refuse('never runs with the rights of another account')
  const first = firstUserId()
  // 65534: nobody, to which NFS and user namespaces map whom they do not know.
  if (uid < first || uid === 65_534)
    throw refuse(`never runs as an account of the system: uid ${uid} (users begin at ${first})`)
  return accountOf(uid, refuse)
}

function accountOf(uid: number, refuse: (why: string) => Error): Identity {
  try {
    const { username, homedir } = userInfo()
    if (!homedir.startsWith('/')) throw refuse(`finds no home directory of ${username}`)
    return { name: username, uid, home: homedir.replace(/(?<=.)\/+$/, '') }
  } catch (cause) {
    if (cause instanceof LauncherFailure) throw cause
    throw refuse(`finds no account of uid ${uid} in the user database`)
  }
}

/** `UID_MIN` of login.defs(5), but never less than 100: a file that says less is no file to go by. */
function firstUserId(): number {
  try {
    const [, text] = /^\s*UID_MIN\s+(\d+)/m.exec(readFileSync('/etc/login.defs', 'utf8')) ?? []
    return text === undefined ? 1000 : Math.max(100, Number(text))
  } catch {
    return 1000
  }
}

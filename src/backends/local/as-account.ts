import type { Account } from '../account.ts'

export const setpriv = '/usr/bin/setpriv'

type Words = readonly [string, ...string[]]

/** Who owns a file or a process. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * The command that runs `argv` as the account, with that account's groups (Node's own `uid` option would drop them).
 * Its environment must be the gateway's choice alone: until setpriv has given up root, a user's LD_PRELOAD would be root's.
 */
export function asAccount(account: Account, argv: Words): Words {
  return account.own ? argv : as(account, '--init-groups', argv)
}

/** The same for the owner of something: an account of that uid need not exist any more. */
export function asOwner(owner: Owner, argv: Words): Words {
  return owner.uid === process.getuid?.() ? argv : as(owner, '--clear-groups', argv)
}

function as({ uid, gid }: Owner, groups: string, argv: Words): Words {
  const ids = ['--reuid', String(uid), '--regid', String(gid)]
  return [setpriv, ...ids, groups, '--inh-caps=-all', ...argv]
}

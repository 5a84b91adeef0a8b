import type { Account } from './account.ts'

export const setpriv = '/usr/bin/setpriv'

/**
 * The command that runs `argv` as the account, with that account's groups (Node's own `uid` option would drop them).
 * Its environment must be the gateway's choice alone: until setpriv has given up root, a user's LD_PRELOAD would be root's.
 */
export function asAccount(
  account: Account,
  argv: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  if (account.name === null) return argv
  const ids = ['--reuid', String(account.uid), '--regid', String(account.gid), '--init-groups']
  return [setpriv, ...ids, '--inh-caps=-all', ...argv]
}

import { shellQuoted } from '../../util/index.ts'
import type { Account } from '../account.ts'
import { asAccount } from './as-account.ts'

// A supervisor is a shell: it costs a fifth of a megabyte. It is a subreaper (python/subreaper.py), hence the parent of
// whatever loses its own, and where the gateway is root it is root's, so that the command cannot end it. Its descriptors:
// 0 this script, 1 and 2 the log, 3 tells the gateway that the claim is made, 4 the script of the command's shell.

export interface CommandStart {
  readonly argv: readonly string[]
  readonly environment: { readonly [name: string]: string }
  readonly account: Account
  readonly claim: string
  readonly exit: string
  /** How long what the command leaves behind has after SIGTERM, and after SIGKILL. */
  readonly sigtermMs: number
  readonly sigkillMs: number
}

const roundMs = 100

/**
 * Makes the claim, runs the command, writes down its status, ends what the command left behind, and ends with that status.
 * It passes no signal on: whoever sends one sends it to the processes themselves. In braces: cut off in the middle,
 * nothing of it runs. What the shell has to say itself ("Killed") is not for the log.
 */
export function supervisorScript(start: CommandStart): string {
  const { uid, gid } = start.account
  const command = asAccount(start.account, ['/bin/sh']).map(shellQuoted).join(' ')
  const gentle = Math.ceil(start.sigtermMs / roundMs)
  const last = gentle + Math.ceil(start.sigkillMs / roundMs)
  return `{
PATH=/usr/bin:/bin
umask 077
set -C
read -r boot < /proc/sys/kernel/random/boot_id
read -r stat < /proc/self/stat
set -- \${stat##*) }
{ printf '%s %s %s ${uid} ${gid}\\n' "$$" "\${20}" "$boot" > ${shellQuoted(start.claim)}; } 2> /dev/null || exit 75
set +C
(printf claimed >&3) 2> /dev/null
exec 3>&- 2> /dev/null
trap : HUP INT QUIT TERM
${command} <&4 4<&- 2>&1
status=$?
exec 4<&-
echo "$status" > ${shellQuoted(start.exit)}
round=0
while [ "$round" -lt ${last} ]; do
  children=
  read -r children < "/proc/$$/task/$$/children" || [ "$children" ] || break
  if [ "$round" -lt ${gentle} ]; then kill -TERM $children; else kill -KILL $children; fi
  kill -CONT $children
  round=$((round + 1))
  sleep 0.1 || sleep 1
done
exit "$status"
}
`
}

/**
 * Read by the account's shell from its standard input, so that the environment is nowhere in argv, and in force only after
 * root has been given up. `command` keeps a variable that is the shell's own (bash's UID) from ending it.
 */
export function commandScript(start: CommandStart): string {
  const exports = Object.entries(start.environment).map(
    ([name, value]) => `command export ${name}=${shellQuoted(value)}`,
  )
  return `{
umask 077
${exports.join('\n')}
exec ${start.argv.map(shellQuoted).join(' ')} < /dev/null
}
`
}

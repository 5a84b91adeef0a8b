import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { GatewayError } from '../../core/index.ts'
import { type ProcessIdentity, readProcess, shellQuoted } from '../../util/index.ts'
import type { Account } from './account.ts'
import { asAccount } from './as-account.ts'
import type { Exit } from './exit-reason.ts'
import { markerVariable } from './survey.ts'

export interface ProcessStart {
  readonly argv: readonly string[]
  readonly environment: { readonly [name: string]: string }
  readonly marker: string
  readonly directory: string
  readonly claim: string
  /** The descriptor of the open log. */
  readonly log: number
  readonly account: Account
}

export interface StartedProcess {
  readonly identity: ProcessIdentity
  /** false: somebody else has made the claim, or it could not be made; the process ends by itself. */
  readonly claimed: boolean
}

const claimLimitMs = 10_000

/**
 * Starts a process in a session of its own that makes the attempt's claim and then becomes the command. Waits until the
 * claim is made. Throws when that is not known. `onExit` is told how the process ended, if this process lives to see it.
 */
export async function startProcess(
  start: ProcessStart,
  onExit: (exit: Exit) => void,
  signal: AbortSignal,
): Promise<StartedProcess> {
  const [program, ...args] = asAccount(start.account, ['/bin/sh'])
  const child = spawn(program, args, {
    cwd: start.directory,
    env: { [markerVariable]: start.marker },
    detached: true,
    stdio: ['pipe', start.log, start.log, 'pipe'],
  })
  // Read at once: the pid cannot be another's before this turn of the loop ends and the child is reaped.
  const identity = child.pid === undefined ? null : readProcess(child.pid)
  if (identity === null) {
    const [error] = await once(child, 'error', { signal })
    throw new GatewayError('unavailable', 'no process can be started on this machine now', {
      cause: error,
    })
  }
  child.once('exit', (code, exitSignal) => onExit({ code, signal: exitSignal }))
  child.unref()
  child.on('error', () => undefined)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(prologue(start))
  // The fourth of `stdio` is a pipe, which Node gives as a socket.
  const answer = child.stdio[3] as Readable
  try {
    return { identity, claimed: await saysClaimed(answer, signal) }
  } finally {
    answer.destroy()
  }
}

async function saysClaimed(answer: Readable, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(claimLimitMs)])
  const abort = () => answer.destroy(new GatewayError('unavailable', 'a process did not start yet'))
  limit.addEventListener('abort', abort, { once: true })
  try {
    for await (const _ of answer) return true
    return false
  } finally {
    limit.removeEventListener('abort', abort)
  }
}

/**
 * Read by the shell from its standard input, so that the environment is nowhere in argv, and in force only after another
 * account's shell runs. In braces: cut off in the middle, none of it runs. `command` keeps a variable that is the
 * shell's own (bash's UID) from ending it.
 */
function prologue(start: ProcessStart): string {
  const exports = Object.entries(start.environment).map(
    ([name, value]) => `command export ${name}=${shellQuoted(value)}`,
  )
  return `{
umask 077
set -C
read -r boot < /proc/sys/kernel/random/boot_id
read -r stat < /proc/self/stat
set -- \${stat##*) }
{ printf '%s %s %s\\n' "$$" "\${20}" "$boot" > ${shellQuoted(start.claim)}; } 2> /dev/null || exit 75
set +C
(printf claimed >&3) 2> /dev/null
exec 3>&-
${exports.join('\n')}
exec ${start.argv.map(shellQuoted).join(' ')} < /dev/null
}
`
}

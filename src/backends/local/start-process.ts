import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { GatewayError } from '../../core/index.ts'
import { type ProcessIdentity, readProcess } from '../../util/index.ts'
import { type Exit, exitOfStatus } from './exit-reason.ts'
import { type CommandStart, commandScript, supervisorScript } from './supervisor-script.ts'
import { markerVariable } from './survey.ts'

export interface ProcessStart extends CommandStart {
  /** What makes a program a subreaper: its words come before those of the program. */
  readonly subreaper: readonly string[]
  readonly marker: string
  readonly directory: string
  /** The descriptor of the open log. */
  readonly log: number
}

export interface StartedProcess {
  readonly identity: ProcessIdentity
  /** false: somebody else has made the claim, or it could not be made; the process ends by itself. */
  readonly claimed: boolean
}

const claimLimitMs = 10_000

/**
 * Starts a supervisor in a session of its own, which makes the attempt's claim and then runs the command. Waits until the
 * claim is made. Throws when that is not known. `onExit` is told how the command ended, if this process lives to see it.
 */
export async function startProcess(
  start: ProcessStart,
  onExit: (exit: Exit) => void,
  signal: AbortSignal,
): Promise<StartedProcess> {
  // The words after -s have no effect: they tell people who look at the machine's processes what this shell is.
  const words = ['/bin/sh', '-s', 'supervisor', 'of', 'dask-gateway-server']
  const [program = '', ...args] = [...start.subreaper, ...words]
  const child = spawn(program, args, {
    cwd: start.directory,
    env: { [markerVariable]: start.marker },
    detached: true,
    stdio: ['pipe', start.log, start.log, 'pipe', 'pipe'],
  })
  // Read at once: the pid cannot be another's before this turn of the loop ends and the child is reaped.
  const identity = child.pid === undefined ? null : readProcess(child.pid)
  if (identity === null) {
    const [error] = await once(child, 'error', { signal })
    throw new GatewayError('unavailable', 'no process can be started on this machine now', {
      cause: error,
    })
  }
  child.once('exit', (code, exitSignal) =>
    onExit(code === null ? { code, signal: exitSignal } : exitOfStatus(code)),
  )
  child.unref()
  child.on('error', () => undefined)
  // From the third on, Node gives pipes as sockets.
  const answer = child.stdio[3] as Readable
  // First what is read last: when the supervisor has its script, the command's is there.
  write(child.stdio[4] as Writable, commandScript(start))
  write(child.stdin as Writable, supervisorScript(start))
  try {
    return { identity, claimed: await saysClaimed(answer, signal) }
  } finally {
    answer.destroy()
  }
}

/** The other end keeps what was written; this one must not stay for as long as the process does. */
function write(stream: Writable, text: string): void {
  stream.on('error', () => undefined)
  stream.end(text, () => stream.destroy())
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

import { accessSync, constants } from 'node:fs'
import { join, resolve } from 'node:path'
import { GatewayError } from '../../core/index.ts'
import { limits, type Reply, type Request, type Verb } from '../../launcher/index.ts'
import { packageFolder } from '../../util/index.ts'
import type { Account } from '../account.ts'
import { readReply } from './read-reply.ts'
import { runCommand } from './run-command.ts'
import type { CommandAnswer } from './seen-job.ts'

/** Asks the launcher, as a user, for one thing. Throws when there was no reply: it may have been done, or not. */
export type CallLauncher = <V extends Verb>(
  account: Account,
  request: Extract<Request, { verb: V }>,
  signal: AbortSignal,
) => Promise<Reply<V>>

// More than the launcher itself takes, so that it is the launcher that ends, and says what it knows.
const limitMs = limits.defaultLimitMs + 15_000

/** By sudo, which must allow it without a password. */
export function launcherBySudo(launcher: string): CallLauncher {
  return async <V extends Verb>(
    account: Account,
    request: Extract<Request, { verb: V }>,
    signal: AbortSignal,
  ) => {
    const argv = ['sudo', '-n', '-H', '-u', account.name, launcher] as const
    const answer = await runCommand({
      ...{ argv: [...argv], input: JSON.stringify(request), limitMs, signal },
    })
    return replyIn<V>(request.verb as V, answer, argv.join(' '))
  }
}

function replyIn<V extends Verb>(verb: V, answer: CommandAnswer, command: string): Reply<V> {
  const { stdout, stderr, exitCode } = answer
  const words = stderr
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 500)
  if (stdout.trim() === '' && refusedBySudo.test(stderr)) {
    const error = `the gateway may not act for this user: '${command}' was refused: ${words}`
    return { ok: false, code: 'refused', error }
  }
  const reply = readReply(verb, stdout)
  if (reply !== null) return reply
  throw new GatewayError(
    'unavailable',
    `'${command}' ended with status ${exitCode} and without a reply${words === '' ? '' : `: ${words}`}`,
  )
}

// sudo's own messages before it runs anything.
const refusedBySudo =
  /^sudo: (a password is required|a terminal is required|unknown user|no tty present|.*command not found|sorry, you)|is not (allowed to|in the sudoers)|may not run sudo/m

/** The launcher's path: as set, else the first on PATH, else this package's own. */
export function findLauncher(set: string | null): string {
  if (set !== null) return resolve(set)
  const name = 'dask-gateway-jobqueue-launcher'
  const own = join(packageFolder, 'bin')
  for (const folder of [...(process.env.PATH ?? '').split(':'), own]) {
    if (!folder.startsWith('/')) continue
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // The next.
    }
  }
  throw new GatewayError(
    'configuration',
    `${name} was not found on PATH; set c.JobQueueBackend.dask_gateway_jobqueue_launcher to its path`,
  )
}

import type { Answering } from './answer.ts'
import { commandContext } from './command-context.ts'
import { findCommand } from './find-command.ts'
import { pbsCancelArguments, pbsStatusArguments } from './pbs-commands.ts'
import {
  type CancelReply,
  type CancelRequest,
  limits,
  type StatusReply,
  type StatusRequest,
} from './protocol.ts'
import { runCommand } from './run-command.ts'
import { slurmCancelArguments, slurmStatusArguments } from './slurm-commands.ts'

/** How many ids one call of a command gets; far below what the system takes. */
const idsAtOnce = 500

export async function cancel(request: CancelRequest, answering: Answering): Promise<CancelReply> {
  const path = findCommand('cancel', request.manager, request.commands, answering.limits)
  const context = commandContext(answering, request.limitMs)
  const argumentsOf = request.manager === 'slurm' ? slurmCancelArguments : pbsCancelArguments
  const results: CancelReply['results'][number][] = []
  for (let from = 0; from < request.ids.length; from += idsAtOnce) {
    const limitMs = context.remainingMs()
    if (limitMs <= 0) break
    const ids = request.ids.slice(from, from + idsAtOnce)
    const { cut: _, ...outcome } = await runCommand({
      ...context,
      path,
      argv: argumentsOf(ids),
      stdin: '',
      limitMs,
      outputBytes: limits.outputBytes,
    })
    results.push({ ids, ...outcome })
  }
  return { ok: true, results }
}

export async function status(request: StatusRequest, answering: Answering): Promise<StatusReply> {
  const path = findCommand('status', request.manager, request.commands, answering.limits)
  const context = commandContext(answering, request.limitMs)
  const argv =
    request.manager === 'slurm'
      ? slurmStatusArguments([answering.identity.name])
      : pbsStatusArguments(request.ids)
  const end = await runCommand({
    ...context,
    path,
    argv,
    stdin: '',
    limitMs: context.remainingMs(),
    outputBytes: limits.statusBytes,
  })
  return { ok: true, ...end }
}

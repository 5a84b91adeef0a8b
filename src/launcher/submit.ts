import type { Answering } from './answer.ts'
import { type CommandContext, commandContext } from './command-context.ts'
import { createIn, lookIn, renameIn, unlinkIn } from './directory.ts'
import { LauncherFailure } from './failure.ts'
import { findCommand } from './find-command.ts'
import { pbsSubmitArguments, pbsUncertain } from './pbs-commands.ts'
import {
  limits,
  type Manager,
  type PbsJob,
  type SlurmJob,
  type SubmitOutcome,
  type SubmitReply,
  type SubmitRequest,
} from './protocol.ts'
import { runCommand } from './run-command.ts'
import { slurmSubmitArguments, slurmUncertain } from './slurm-commands.ts'
import {
  isBare,
  makeStaging,
  removeStaging,
  type StagingDirectory,
  stagingRoot,
  telling,
} from './staging.ts'
import { checkJob } from './submit-rules.ts'

/** All that can be refused is refused before anything is made. */
export async function submit(request: SubmitRequest, answering: Answering): Promise<SubmitReply> {
  const { identity, limits: rootLimits } = answering
  const root = stagingRoot(request.staging.root, identity, rootLimits)
  const path = findCommand('submit', request.manager, request.commands, rootLimits)
  const directory = `${root}/${request.staging.cluster}`
  for (const job of request.jobs) checkJob(request.manager, job, directory, rootLimits)
  const calls = callsOf(request, directory, identity.home)
  const context = commandContext(answering, request.limitMs)

  const staging = makeStaging(root, request.staging.cluster, identity)
  const made: string[] = []
  try {
    writeFiles(staging, request.files, made)
  } catch (error) {
    takeBack(staging, made)
    throw error
  }
  const outcomes = await submitInTurn(request.manager, path, calls, context)
  const remains = outcomes.every(isRefused) ? takeBack(staging, made) : null
  return { ok: true, directory: staging.path, outcomes, ...(remains && { remains }) }
}

interface SubmitCall {
  readonly argv: readonly string[]
  readonly script: string
}

function callsOf(request: SubmitRequest, directory: string, home: string): readonly SubmitCall[] {
  // The parser has read the jobs as their manager's.
  return request.manager === 'slurm'
    ? (request.jobs as readonly SlurmJob[]).map((job) => ({
        argv: slurmSubmitArguments(job, directory, home),
        script: job.script,
      }))
    : (request.jobs as readonly PbsJob[]).map((job) => ({
        argv: pbsSubmitArguments(job, directory),
        script: job.script,
      }))
}

/** Ends at the first that is not accepted: what refuses one (a limit, a queue that is closed) refuses the rest. */
async function submitInTurn(
  manager: Manager,
  path: string,
  calls: readonly SubmitCall[],
  context: CommandContext,
): Promise<readonly SubmitOutcome[]> {
  const outcomes: SubmitOutcome[] = []
  for (const { argv, script } of calls) {
    const limitMs = context.remainingMs()
    if (limitMs <= 0) break
    const outcome = await submitOne(manager, path, argv, script, { ...context, limitMs })
    outcomes.push(outcome)
    if (outcome.outcome !== 'answered' || outcome.returncode !== 0) break
  }
  return calls.map((_, index) => outcomes[index] ?? { outcome: 'not-tried' })
}

async function submitOne(
  manager: Manager,
  path: string,
  argv: readonly string[],
  stdin: string,
  context: CommandContext & { readonly limitMs: number },
): Promise<SubmitOutcome> {
  const { environment, directory, limitMs } = context
  const { outputBytes } = limits
  const run = { path, argv, stdin, environment, directory, limitMs, outputBytes }
  const { cut: _, ...end } = await runCommand(run)
  const uncertain = manager === 'slurm' ? slurmUncertain : pbsUncertain
  if (end.outcome === 'answered' && end.returncode !== 0 && uncertain.test(end.stderr))
    return { outcome: 'unknown', error: end.stderr.trim() }
  return end
}

function isRefused(outcome: SubmitOutcome): boolean {
  if (outcome.outcome === 'answered') return outcome.returncode !== 0
  return outcome.outcome === 'not-tried'
}

/** Each appears whole or not at all, and a link in its place is replaced, not followed. */
function writeFiles(
  { directory, path }: StagingDirectory,
  files: Readonly<Record<string, string>>,
  made: string[],
): void {
  for (const [name, content] of Object.entries(files)) {
    const temporary = `.new-${process.pid}`
    telling(`${path}/${name} cannot be written`, () => {
      if (lookIn(directory, temporary) !== null) unlinkIn(directory, temporary)
      try {
        createIn(directory, temporary, content)
        if (lookIn(directory, name) === null) made.push(name)
        renameIn(directory, temporary, name)
      } catch (error) {
        if (lookIn(directory, temporary) !== null) unlinkIn(directory, temporary)
        throw error
      }
    })
  }
}

/** Why it could not be done, if so. What another call has put there meanwhile stays. */
function takeBack(staging: StagingDirectory, made: readonly string[]): string | null {
  try {
    telling(`Files in ${staging.path} cannot be removed`, () => {
      for (const name of made)
        if (lookIn(staging.directory, name) !== null) unlinkIn(staging.directory, name)
    })
    if (staging.isNew && isBare(staging)) removeStaging(staging)
    return null
  } catch (error) {
    if (error instanceof LauncherFailure) return error.message
    throw error
  }
}

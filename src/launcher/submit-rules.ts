import { LauncherFailure } from './failure.ts'
import type { LauncherLimits } from './launcher-limits.ts'
import { pbsHarmlessAttribute, pbsOwnOptions, pbsPath } from './pbs-commands.ts'
import type { Job, Manager } from './protocol.ts'
import { slurmOwnOptions } from './slurm-commands.ts'

/** Throws when the launcher's rules or root's limits forbid a job. `directory`: its staging directory. */
export function checkJob(
  manager: Manager,
  job: Job,
  directory: string,
  limits: LauncherLimits | null,
): void {
  checkQueue(job, limits)
  checkDirectives(job)
  if (job.account?.startsWith('-')) throw refuse(`The account ${job.account} begins with "-"`)
  if (manager === 'pbs' && !pbsPath.test(directory))
    throw refuse(
      `${directory}: PBS cannot take a path with other characters than letters, digits and /._@%+~-`,
    )
  for (const argument of job.extraArguments ?? []) {
    checkExtra(manager, argument)
    if (limits?.extra_arguments !== undefined && !matchesOne(argument, limits.extra_arguments))
      throw refuse(`launcher.json does not allow the extra argument ${argument}`)
  }
}

function checkQueue({ queue = '' }: Job, limits: LauncherLimits | null): void {
  if (queue.startsWith('-')) throw refuse(`The queue ${queue} begins with "-"`)
  const allowed = limits?.queues
  if (allowed === undefined) return
  // Slurm takes a list of partitions.
  for (const name of queue.split(','))
    if (!allowed.includes(name))
      throw refuse(
        name === ''
          ? `launcher.json wants a queue to be named: one of ${allowed.join(', ')}`
          : `launcher.json does not allow the queue ${name}, only ${allowed.join(', ')}`,
      )
}

/**
 * Options of sbatch or qsub, which no rule would see. They count before the first command; but of what is one the queues think
 * otherwise than bash (to qsub neither a line that begins with ":" nor what follows a "\" is), so none may stand anywhere.
 */
function checkDirectives({ script }: Job): void {
  const directive = /^[^\S\n]*#(SBATCH|PBS|BSUB).{0,80}/m.exec(script)?.[0]
  if (directive !== undefined)
    throw refuse(
      `The script holds "${directive.trim()}"; there are settings for options of the queue`,
    )
}

function checkExtra(manager: Manager, argument: string): void {
  const own = manager === 'slurm' ? slurmOwnOptions : pbsOwnOptions
  const [, long, short] = /^(?:--([A-Za-z][\w-]*)(?:=.*)?|-([A-Za-z]).*)$/.exec(argument) ?? []
  if (long === undefined && short === undefined)
    throw refuse(
      `The extra argument ${argument} is no option: an option and its value are one argument`,
    )
  const rest = argument.slice(2)
  if (short !== undefined && own.flags.includes(short) && rest !== '')
    throw refuse(`The extra argument ${argument} holds several options; give each by itself`)
  if (manager === 'pbs' && short === 'W' && !pbsHarmlessAttribute.test(rest))
    throw refuse(
      `The extra argument ${argument} is not taken: of -W, only depend, group_list, tolerate_node_failures and release_nodes_on_stageout, one in each`,
    )
  // getopt_long(3) takes the beginning of an option's name for the whole.
  const isOwn =
    long === undefined
      ? own.short.includes(short ?? '')
      : own.long === null || own.long.some((name) => name.startsWith(long))
  if (isOwn)
    throw refuse(
      `The extra argument ${argument} is not taken: the launcher sets it, or it would change what a submit is`,
    )
}

/** A pattern that ends in `*` allows what begins like it. */
function matchesOne(argument: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? argument.startsWith(pattern.slice(0, -1)) : argument === pattern,
  )
}

const refuse = (message: string) => new LauncherFailure('refused', message)

import { join, resolve } from 'node:path'
import { type CommandResult, execute, runAsRoot, testsInMachine } from './machine.ts'

export { asUser, type CommandResult, runAs, runAsRoot } from './machine.ts'

const root = resolve(import.meta.dirname, '../..')
const scripts = join(root, 'scripts/slurm')

export interface SlurmOptions {
  /** n0, n1, …; 2 when absent. */
  readonly nodes?: number
  /** Lines of slurm.conf, in place of those of scripts/slurm/configuration that set the same. */
  readonly lines?: readonly string[]
  /** What a user may have queued and running, as a site's MaxSubmitJobs. */
  readonly jobsPerUser?: number
}

/** Runs the tests of a file inside a machine with Slurm; see `testsInMachine`. */
export function testsInSlurmMachine(file: string, options: SlurmOptions = {}): void {
  testsInMachine(join(scripts, 'machine'), file, environmentOf(options))
}

/** Runs one command as root on a new machine with Slurm, which is gone when it has ended. */
export function runInSlurmMachine(
  command: readonly string[],
  options: SlurmOptions & { readonly limitMs?: number } = {},
): Promise<CommandResult> {
  return execute([join(scripts, 'machine'), ...command], {
    ...(options.limitMs === undefined ? {} : { limitMs: options.limitMs }),
    environment: { ...process.env, ...environmentOf(options) },
  })
}

/**
 * Daemons are munged, slurmctld and a node's name (its slurmd). Done when a started one answers and a stopped one is gone; a
 * killed node is a power cut: its jobs are gone without a word, which the controller notices after SlurmdTimeout.
 */
export function daemon(verb: 'start' | 'stop' | 'kill', ...names: string[]): Promise<string> {
  return runAsRoot(join(scripts, 'daemon'), verb, ...names)
}

/** What an administrator says of a node; RESUME takes it back. DOWN ends its jobs at once, as a node that failed. */
export async function setNode(name: string, state: 'DOWN' | 'DRAIN' | 'RESUME'): Promise<void> {
  const reason = state === 'RESUME' ? [] : ['Reason=test']
  const words = ['scontrol', 'update', `NodeName=${name}`, `State=${state}`, ...reason]
  const { status, stderr } = await execute(words, {})
  // Of a node that Slurm has taken back by itself, as it does with ReturnToService=2.
  if (state === 'RESUME' && stderr.includes('Invalid node state specified')) return
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`)
}

/** Slurm's own logs, for a test that failed. */
export function slurmLogs(): Promise<string> {
  return runAsRoot('sh', '-c', 'tail -n 200 -- /var/log/slurm/*.log')
}

function environmentOf({ nodes, lines, jobsPerUser }: SlurmOptions): NodeJS.ProcessEnv {
  return {
    QUEUE_NODES: nodes?.toString() ?? '',
    QUEUE_LINES: lines?.join('\n') ?? '',
    QUEUE_JOBS_PER_USER: jobsPerUser?.toString() ?? '',
  }
}

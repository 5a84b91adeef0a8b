import { logFile, type SlurmJob } from './protocol.ts'

/** The arguments of sbatch, which prints `ID` or `ID;CLUSTER`. The script comes on its standard input. */
export function slurmSubmitArguments(job: SlurmJob, directory: string, home: string): string[] {
  const log = job.arraySize === undefined ? job.log : logFile(job.log, '%a')
  return [
    ...(job.extraArguments ?? []),
    '--parsable',
    `--job-name=${job.name}`,
    // The gateway replaces what is lost by itself; a job that Slurm starts again would be a second worker of one name.
    '--no-requeue',
    // The environment is the clean one of the launcher. A list of names would have the node ask the user's login shell for the rest.
    '--export=ALL',
    `--chdir=${home}`,
    `--output=${directory.replaceAll('%', '%%')}/${log}`,
    '--ntasks=1',
    `--cpus-per-task=${job.cores}`,
    // Without it a job takes the whole node's memory.
    `--mem=${Math.ceil(job.memoryBytes / 1024)}K`,
    ...option('partition', job.queue),
    ...option('qos', job.qos),
    ...option('account', job.account),
    ...option('constraint', job.constraint),
    ...option('gres', job.gres),
    ...option('reservation', job.reservation),
    ...option('nodelist', job.nodelist),
    ...option('exclude', job.exclude),
    ...option('time', job.timeLimitSeconds && duration(job.timeLimitSeconds)),
    ...option('array', job.arraySize && `0-${job.arraySize - 1}`),
  ]
}

/** Of another user's job among them, and of that only, scancel says something and ends with 210. */
export function slurmCancelArguments(ids: readonly string[]): string[] {
  return [...ids]
}

/**
 * The arguments of squeue for all jobs of these users (absent: of everybody), array tasks one by one, those that ended a while ago
 * too. The name comes last, as a stranger's may hold `|`. This form of a format cuts nothing off, and knows the exit status.
 */
export function slurmStatusArguments(users?: readonly string[]): string[] {
  const owners = users === undefined ? [] : [`--user=${users.join(',')}`]
  const fields = [
    'JobArrayID',
    'StateCompact',
    'Reason',
    'exit_code',
    'UserName',
    'NodeList',
    'Name',
  ]
  const format = fields.map((field) => `${field}:|`).join(',')
  return ['--noheader', '--states=all', '--array', ...owners, `--Format=${format}`]
}

/** Sbatch ended with an error, and yet the controller may have taken the job: it was the answer that got lost. */
export const slurmUncertain =
  /timed out|timeout|Zero Bytes were transmitted|Transport endpoint|Unexpected message received|slurm_receive|Communication connection failure|Message receive failure/i

/**
 * Long options that the launcher sets itself, that would change what a submit is, or that have sbatch read a file; a prefix of one
 * means it too.
 */
export const slurmOwnOptions = {
  long: [
    ...['array', 'bbf', 'bcast', 'chdir', 'clusters', 'cluster', 'container', 'error', 'exclude'],
    ...['export', 'export-file', 'get-user-env', 'gid', 'help', 'input', 'job-name', 'no-requeue'],
    ...['nodefile', 'nodelist', 'output', 'parsable', 'partition', 'quiet', 'requeue'],
    ...['test-only', 'uid', 'usage', 'verbose', 'version', 'wait', 'wrap'],
  ],
  short: 'aDeFihJMopQvVwWx',
  /** Those that take no value, hence may stand together: `-Hp` is `-H -p`. */
  flags: 'HIkKOsXZ',
} as const

function option(name: string, value: string | number | undefined): string[] {
  return value === undefined || value === '' || value === 0 ? [] : [`--${name}=${value}`]
}

/** `days-hours:minutes:seconds` */
function duration(seconds: number): string {
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit))
  const two = (value = 0) => String(value).padStart(2, '0')
  return `${days}-${two((hours ?? 0) % 24)}:${two((minutes ?? 0) % 60)}:${two(seconds % 60)}`
}

import type { PbsJob } from './protocol.ts'

/** The arguments of qsub, which prints the job's id. The script comes on its standard input. */
export function pbsSubmitArguments(job: PbsJob, directory: string): string[] {
  return [
    ...(job.extraArguments ?? []),
    ...['-N', job.name],
    // The gateway replaces what is lost by itself; a job that PBS starts again would be a second worker of one name.
    ...['-r', 'n'],
    // PBS reads no `#!` line, and the user's login shell may be any.
    ...['-S', '/bin/bash'],
    ...['-j', 'oe'],
    ...(job.directOutput ? ['-k', 'od', '-o', `${directory}/${job.log}`] : []),
    ...(job.directOutput ? [] : ['-o', `${returnTo(job)}${directory}/${job.log}`]),
    ...option('-q', job.queue),
    ...option('-A', job.account),
    ...option('-P', job.project),
    ...option('-l', job.resources),
    ...option('-l', job.timeLimitSeconds && `walltime=${duration(job.timeLimitSeconds)}`),
    ...stageIn(job, directory),
  ]
}

export function pbsCancelArguments(ids: readonly string[]): string[] {
  return [...ids]
}

/** The arguments of qstat, whose answer is JSON: for all jobs that have not finished, or for these, finished or not. */
export function pbsStatusArguments(ids?: readonly string[]): string[] {
  return ['-f', '-F', 'json', ...(ids === undefined ? [] : ['-x', ...ids])]
}

/** Qsub ended with an error, and yet the server may have taken the job: it was the answer that got lost. */
export const pbsUncertain =
  /timed out|timeout|End of File|Premature end|Protocol .*error|errno=1503[12]|Connection reset|Broken pipe|Communication failure/i

/** Options that the launcher sets itself or that would change what a submit is. */
export const pbsOwnOptions = { long: null, short: 'CIJNRSVXefhjkoqruvz', flags: '' } as const

/** What may follow `-W`, which can set any attribute of a job (block, interactive, stagein, Rerunable, …), and several by commas. */
export const pbsHarmlessAttribute =
  /^\s*(depend|group_list|tolerate_node_failures|release_nodes_on_stageout)=[^=]*$/

/** Where a file name has a meaning to PBS (`HOST:PATH`, lists, quotes), such a name cannot be given to it. */
export const pbsPath = /^[A-Za-z0-9/._@%+~-]+$/

function returnTo(job: PbsJob): string {
  return job.stageIn === undefined ? '' : `${job.stageIn.hostname}:`
}

function stageIn(job: PbsJob, directory: string): string[] {
  if (job.stageIn === undefined) return []
  const { hostname, files } = job.stageIn
  const list = files.map((file) => `.@${hostname}:${directory}/${file}`).join(',')
  return ['-W', 'sandbox=PRIVATE', ...(list === '' ? [] : ['-W', `stagein=${list}`])]
}

function option(flag: string, value: string | number | undefined): string[] {
  return value === undefined || value === '' || value === 0 ? [] : [flag, String(value)]
}

/** `hours:minutes:seconds` */
function duration(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

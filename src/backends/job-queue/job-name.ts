// Everything of ours on a queue is named `dg-INSTANCE-ATTEMPT`: the attempt that is started, or, where one job has many
// tasks, the first of theirs. Slurm keeps 1,024 characters of a name, PBS 230.

/** The name of the job that starts an attempt, or a batch of which it is the first. */
export function jobName(instanceId: string, attemptId: string): string {
  return `dg-${instanceId}-${attemptId}`
}

/** What a job's name says; null: it is not a name of any gateway's. */
export function readJobName(
  name: string,
): { readonly instanceId: string; readonly attemptId: string } | null {
  const [, instanceId, attemptId] = /^dg-([0-9a-f]{32})-([0-9a-f]{16})$/.exec(name) ?? []
  return instanceId === undefined || attemptId === undefined ? null : { instanceId, attemptId }
}

/** The attempt in a job's name; null: it is not a name of this instance. */
export function attemptOfName(instanceId: string, name: string): string | null {
  const read = readJobName(name)
  return read?.instanceId === instanceId ? read.attemptId : null
}

/** What the old server names all its jobs. */
export const oldServerName = 'dask-gateway'

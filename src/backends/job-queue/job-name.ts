// Everything of ours on a queue is named `dg-INSTANCE-ATTEMPT`: the attempt that is started, or, where one job has many
// tasks, the first of theirs. Slurm keeps 1,024 characters of a name, PBS 230.

/** The name of the job that starts an attempt, or a batch of which it is the first. */
export function jobName(instanceId: string, attemptId: string): string {
  return `dg-${instanceId}-${attemptId}`
}

/** The attempt in a job's name; null: it is not a name of this instance. */
export function attemptOfName(instanceId: string, name: string): string | null {
  const [, instance, attemptId] = /^dg-([0-9a-f]{32})-([0-9a-f]{16})$/.exec(name) ?? []
  return instance === instanceId ? (attemptId ?? null) : null
}

import type { CommandAnswer, SeenJob } from '../job-queue/seen-job.ts'

/** The jobs of an answer of squeue; null: it failed, hence tells nothing of any job. */
export function readSqueue(answer: CommandAnswer): readonly SeenJob[] | null {
  if (answer.exitCode !== 0) return null
  return answer.stdout.split('\n').flatMap((line) => readLine(line) ?? [])
}

// The fields of `slurmStatusArguments`. A name may hold the delimiter.
function readLine(line: string): SeenJob | null {
  const match = /^([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|(.*)\|$/.exec(line)
  if (match === null) return null
  const [, id = '', code = '', reason = '', status = '', username = '', node = '', name = ''] =
    match
  // A task that waits may be told of with the limit of its array: "12_3%5".
  if (!/^\d+(_\d+)?$/.test(id)) return null
  const state = stateOf(code)
  return {
    ...{ id, name, username, state },
    reason: state === 'ended' ? endReason(code, reason, Number(status)) : waitReason(state, reason),
    ...verdictOf(state, code, reason),
    exitCode: state === 'ended' ? exitCodeOf(code, Number(status)) : null,
    // One node each; a list or "n/a" names none.
    node: /^[A-Za-z0-9][\w.-]*$/.test(node) && node !== 'n/a' ? node : null,
  }
}

function verdictOf(
  state: SeenJob['state'],
  code: string,
  reason: string,
): Pick<SeenJob, 'verdict'> {
  if (state === 'ended' && ['BF', 'DL', 'NF', 'PR', 'TO'].includes(code))
    return { verdict: 'interrupted' }
  return state === 'pending' && isNever(reason) ? { verdict: 'never' } : {}
}

/**
 * Those that only an administrator's hand could change. (Slurm says `ReqNodeNotAvail`, `PartitionDown` and such while
 * nodes are missing, and `JobHeld…` of what somebody has stopped for a while.)
 */
function isNever(reason: string): boolean {
  return never.has(reason) || /^(QOS|Assoc)Max\w*PerJob(Limit)?$/.test(reason)
}

const never: ReadonlySet<string> = new Set([
  ...['AccountNotAllowed', 'BadConstraints', 'DependencyNeverSatisfied', 'InvalidAccount'],
  ...['InvalidQOS', 'PartitionConfig', 'PartitionNodeLimit', 'PartitionTimeLimit', 'QOSNotAllowed'],
])

/** squeue(1), "JOB STATE CODES". What is not known here still has processes, or may have them again. */
function stateOf(code: string): SeenJob['state'] {
  if (['PD', 'CF', 'RQ', 'RF', 'RD', 'RH', 'SE', 'RV'].includes(code)) return 'pending'
  return code in ends ? 'ended' : 'running'
}

const ends: { readonly [code: string]: string } = {
  BF: 'the node did not boot',
  CA: 'the job was cancelled',
  CD: 'exited with status 0',
  DL: 'the deadline of the job was over',
  F: 'the job failed',
  NF: 'the node failed',
  OOM: 'killed for memory: the job used more than it had asked for',
  PR: 'the job was preempted by another',
  TO: 'the time limit of the job was over',
}

function waitReason(state: SeenJob['state'], reason: string): string | null {
  if (state !== 'pending' || reason === '' || reason === 'None') return null
  const words = pending[reason]
  const told = `${reason}${words === undefined ? '' : ` (${words})`}`
  return isNever(reason) ? told : `Waiting in the queue: ${told}`
}

/** squeue(1), "JOB REASON CODES": those that a user can do something about, or should not wait for. */
const pending: { readonly [reason: string]: string } = {
  Resources: 'for free nodes',
  Priority: 'behind jobs of higher priority',
  BeginTime: 'until its begin time',
  JobHeldUser: 'held by its owner',
  JobHeldAdmin: 'held by an administrator',
  PartitionConfig: 'it asks for more than this partition ever gives',
  PartitionTimeLimit: 'its time limit is longer than the partition allows',
  PartitionNodeLimit: 'it asks for more nodes than the partition has',
  PartitionDown: 'the partition is down',
  PartitionInactive: 'the partition is inactive',
  ReqNodeNotAvail: 'a node that it needs is down or reserved',
  BadConstraints: 'no node has what it asks for',
  Reservation: 'for its reservation',
  AssocGrpCpuLimit: "its account's limit of cores is reached",
  AssocMaxJobsLimit: "its account's limit of jobs is reached",
  QOSMaxJobsPerUserLimit: "its user's limit of jobs is reached",
  QOSMaxCpuPerUserLimit: "its user's limit of cores is reached",
}

function endReason(code: string, reason: string, status: number): string {
  if (code !== 'F') return ends[code] ?? 'ended'
  if (reason === 'NonZeroExitCode') return `exited with status ${status >> 8}`
  if (reason === 'JobLaunchFailure')
    return status > 0 && status < 64
      ? `killed by signal ${status}${status === 9 ? memoryWords : ''}, or could not be launched (JobLaunchFailure)`
      : `could not be launched (JobLaunchFailure, code ${status}); its log directory may be missing on the node`
  if (status >= 256) return `exited with status ${status >> 8} (${reason})`
  return reason === 'None' || reason === '' ? 'the job failed' : `the job failed: ${reason}`
}

/** What JobAcctGatherParams=OverMemoryKill does; only the log says that it was that. */
const memoryWords = ' (for memory, if its log ends with "Exceeded job memory limit")'

/** Slurm keeps a wait status: the exit status is in its second byte. One that was told to end may still say how it did. */
function exitCodeOf(code: string, status: number): number | null {
  if (code === 'CD') return 0
  const exited = status >= 256 && status < 65_536 && status % 256 === 0
  return exited && ['F', 'CA', 'TO', 'PR'].includes(code) ? status >> 8 : null
}

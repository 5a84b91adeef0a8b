import {
  type BackendContext,
  type Cluster,
  daskEnvironment,
  GatewayError,
  type SecretPaths,
  type StartOutcome,
  schedulerArguments,
  type WorkerOutcome,
  type WorkerStart,
  workerArguments,
} from '../../core/index.ts'
import {
  type Commands,
  exportLines,
  type FailureCode,
  logFile,
  type PbsJob,
  type SlurmJob,
  type SubmitOutcome,
} from '../../launcher/index.ts'
import type { Account } from '../account.ts'
import type { Batches } from './batches.ts'
import { oldCommandOf } from './command-lines.ts'
import { handleJson } from './job-handle.ts'
import { jobName } from './job-name.ts'
import { type JobTask, jobScript } from './job-script.ts'
import type { CallLauncher } from './launcher-call.ts'
import type { Queue, Refusal } from './queue.ts'
import { secretFiles, secretTexts, stagingOf, stagingPath } from './staging.ts'

export interface SubmitParts {
  readonly queue: Queue
  readonly commands: Commands
  readonly call: CallLauncher
  readonly batches: Batches
  readonly context: BackendContext
  readonly heartbeatPeriodSeconds: number
  readonly hostname: string
}

/** Nodes reach each other by addresses that only they know. */
const host = '0.0.0.0'

type Role = 'scheduler' | 'worker'
/** One job: a single task, or an array. */
type Plan = readonly [JobTask, ...JobTask[]]

/** The scheduler's job of the cluster's current attempt. */
export async function submitScheduler(
  parts: SubmitParts,
  cluster: Cluster,
  attemptId: string,
  account: Account,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const args = schedulerArguments(cluster, host, parts.heartbeatPeriodSeconds)
  const job = { attemptId, args }
  const result = await submit(parts, cluster, 'scheduler', [[job]], account, signal)
  if (result.refusal?.kind === 'unknown') throw new GatewayError('upstream', result.refusal.words)
  const outcome = result.outcomes.get(attemptId)
  if (outcome !== undefined) return outcome
  return { outcome: 'refused', reason: result.refusal?.words ?? 'nothing was submitted' }
}

/** The workers' jobs, by one call of the launcher. Where fewer would fit, half as many are tried. */
export async function submitWorkers(
  parts: SubmitParts,
  cluster: Cluster,
  workers: readonly WorkerStart[],
  account: Account,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, WorkerOutcome>> {
  const tasks = workers.map(({ workerName, attemptId }) => ({
    attemptId,
    args: [...workerArguments(cluster, workerName, host), ...lifetime(cluster)],
  }))
  const [first, ...rest] = tasks
  if (first === undefined) return new Map()
  const plans: readonly Plan[] =
    parts.queue.indexVariable === null ? tasks.map((task) => [task]) : [[first, ...rest]]
  const { outcomes, refusal } = await submit(parts, cluster, 'worker', plans, account, signal)
  if (refusal === null) return outcomes
  const words = `${parts.queue.title}: ${refusal.words}`
  const withRest = (known: ReadonlyMap<string, WorkerOutcome>, rest: WorkerOutcome) =>
    new Map(tasks.map(({ attemptId }) => [attemptId, known.get(attemptId) ?? rest]))
  switch (refusal.kind) {
    case 'final':
      return withRest(outcomes, { outcome: 'refused', reason: refusal.words })
    case 'unknown':
      if (outcomes.size === 0) throw new GatewayError('upstream', words)
      parts.context.logger.warn('Some starts are of unknown outcome', {
        ...{ cluster: cluster.name, words },
      })
      return outcomes
    case 'limit': {
      const later = { outcome: 'later', reason: words } as const
      if (parts.queue.indexVariable === null || workers.length === 1)
        return withRest(outcomes, later)
      const half = Math.ceil(workers.length / 2)
      const begun = await submitWorkers(parts, cluster, workers.slice(0, half), account, signal)
      if ([...begun.values()].some(({ outcome }) => outcome !== 'started'))
        return withRest(begun, later)
      const more = submitWorkers(parts, cluster, workers.slice(half), account, signal)
      return new Map([...begun, ...(await more.catch(() => []))])
    }
  }
}

interface Submitted {
  readonly outcomes: Map<string, StartOutcome>
  /** Why not all were; null: all were. */
  readonly refusal: Refusal | null
}

async function submit(
  parts: SubmitParts,
  cluster: Cluster,
  role: Role,
  plans: readonly Plan[],
  account: Account,
  signal: AbortSignal,
): Promise<Submitted> {
  const { queue, commands, call, batches } = parts
  const staging = stagingOf(cluster, account)
  const none: Map<string, StartOutcome> = new Map()
  const made: (SlurmJob | PbsJob)[] = []
  try {
    for (const plan of plans) made.push(jobOf(parts, cluster, role, plan, account))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const words = `environment: ${error.message}`
    return { outcomes: none, refusal: { kind: 'final', words } }
  }
  const note = noteOf(parts, cluster, role)
  const batch = {
    staging,
    jobs: plans.map((plan) => plan.map((task) => task.attemptId)),
    ...(note !== null && { note }),
  }
  await batches.add(batch)
  const files = secretTexts(cluster)
  // All of one queue, hence of one kind.
  const jobs = made as readonly SlurmJob[] | readonly PbsJob[]
  const { manager } = queue
  const request = { verb: 'submit', manager, commands, staging, files, jobs } as const
  const reply = await call(account, request, signal)
  const submitted = reply.ok
    ? outcomesOf(queue, plans, made, reply.outcomes, account)
    : { outcomes: none, refusal: { kind: kindOf(reply.code), words: reply.error } }
  if (submitted.outcomes.size === 0 && submitted.refusal?.kind !== 'unknown')
    await batches.forget(batch)
  return submitted
}

/** Where jobs say what runs in the place of an old command; null: it is none, or they do not share a directory with the gateway. */
function noteOf({ queue }: SubmitParts, { settings }: Cluster, role: Role): string | null {
  if (oldCommandOf(settings[`${role}_cmd`]) === null || queue.copiesFiles(settings)) return null
  return `note-${role}`
}

/** With every other code nothing was submitted. */
function kindOf(code: FailureCode): Refusal['kind'] {
  return code === 'internal' ? 'unknown' : 'final'
}

function outcomesOf(
  queue: Queue,
  plans: readonly Plan[],
  jobs: readonly (SlurmJob | PbsJob)[],
  answers: readonly SubmitOutcome[],
  account: Account,
): Submitted {
  const outcomes = new Map<string, StartOutcome>()
  for (const [at, plan] of plans.entries()) {
    const [answer, job] = [answers[at], jobs[at]]
    if (answer === undefined || job === undefined || answer.outcome === 'not-tried') break
    if (answer.outcome === 'unknown')
      return { outcomes, refusal: { kind: 'unknown', words: answer.error } }
    const { returncode: exitCode, stdout, stderr } = answer
    if (exitCode !== 0) return { outcomes, refusal: queue.refusalOf({ exitCode, stdout, stderr }) }
    const id = queue.submittedId(stdout)
    if (id === null)
      return { outcomes, refusal: { kind: 'unknown', words: `no id of a job in: ${stdout}` } }
    for (const [index, { attemptId }] of plan.entries()) {
      const task =
        plan.length === 1
          ? { job: id, log: job.log }
          : { job: queue.taskId(id, index), log: logFile(job.log, index) }
      outcomes.set(attemptId, {
        outcome: 'started',
        handle: handleJson({ ...task, uid: account.uid }),
      })
    }
  }
  return { outcomes, refusal: null }
}

function jobOf(
  parts: SubmitParts,
  cluster: Cluster,
  role: Role,
  plan: Plan,
  account: Account,
): SlurmJob | PbsJob {
  const { queue, context, hostname } = parts
  const { settings } = cluster
  const [{ attemptId }] = plan
  const copies = queue.copiesFiles(settings)
  const directory = stagingPath(stagingOf(cluster, account))
  const paths: SecretPaths = copies
    ? secretFiles
    : {
        token: `${directory}/${secretFiles.token}`,
        cert: `${directory}/${secretFiles.cert}`,
        key: `${directory}/${secretFiles.key}`,
      }
  const environment = {
    USER: account.name,
    ...daskEnvironment(cluster, role, context.apiUrl, paths),
  }
  const { [`${role}_setup`]: setup } = settings
  const script = jobScript({
    staging: copies ? null : directory,
    tasks: plan,
    indexVariable: plan.length === 1 ? null : queue.indexVariable,
    exports: exportLines(environment),
    copied: copies
      ? Object.entries(environment)
          .filter(([, value]) => Object.values(secretFiles).includes(value))
          .map(([name]) => name)
      : [],
    setup: typeof setup === 'string' ? setup : '',
    command: settings[`${role}_cmd`],
    note: `note-${role}`,
  })
  return queue.job({
    role,
    settings,
    base: { name: jobName(context.instanceId, attemptId), script, log: `${role}-${attemptId}.log` },
    tasks: plan.length === 1 ? null : plan.length,
    files: Object.values(secretFiles),
    hostname,
  })
}

/** Before its job's time is over, a worker hands over what it has, and ends. */
function lifetime({ settings }: Cluster): readonly string[] {
  const { worker_time_limit: limit, worker_retire_before: before } = settings
  if (typeof limit !== 'number' || typeof before !== 'number') return []
  return ['--lifetime', `${Math.floor(Math.max(limit - before, limit / 2))}s`]
}

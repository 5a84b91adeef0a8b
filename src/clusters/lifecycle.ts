import {
  type Attempt,
  type Cluster,
  isFinal,
  type Observation,
  type Worker,
} from '../core/index.ts'

/**
 * The state machine of a cluster and its workers, as one pure function.
 *
 * Level-based: it looks at what is recorded, what is seen and what is wanted, never at what has just happened, so it may
 * be asked at any moment, after a crash too, and names the next thing to do. The reconciler carries it out and asks again.
 *
 *   cluster  created ──start──► submitted ──first heartbeat──► running ──target not running──► closing ──► stopped | failed
 *   worker   created ──start──► submitted ──in a heartbeat───► running ──gone, or told to stop───────────► stopped | failed
 */
export function nextStep(situation: Situation): Step {
  const { cluster } = situation
  if (isFinal(cluster.status)) return { do: 'wait', until: null }
  const waits: number[] = []
  const step =
    cluster.target === 'running' ? towardsRunning(situation, waits) : towardsEnd(situation, waits)
  return step ?? { do: 'wait', until: waits.length === 0 ? null : Math.min(...waits) }
}

export type Step =
  /** Record a new attempt, then ask the backend for the scheduler. */
  | { readonly do: 'start-scheduler' }
  /** Ask what became of attempts whose outcome is not known. */
  | { readonly do: 'find'; readonly attemptIds: readonly string[] }
  /** Give the proxies the route, then let users see RUNNING. */
  | { readonly do: 'publish' }
  | { readonly do: 'add-workers'; readonly count: number }
  | { readonly do: 'start-workers'; readonly workers: readonly Worker[] }
  /** Write that these are to end. */
  | {
      readonly do: 'retire-workers'
      readonly workers: readonly Worker[]
      readonly target: 'stopped' | 'failed'
      readonly reason: string
      /** Whether they count as workers that failed to start. */
      readonly startFailures?: boolean
    }
  /** Write that these have ended. */
  | { readonly do: 'end-workers'; readonly ends: readonly WorkerEnd[] }
  /** Write that the cluster is to end as failed. */
  | { readonly do: 'fail'; readonly reason: string }
  /** Write that the cluster is on its way out and take its route away. */
  | { readonly do: 'close' }
  | { readonly do: 'stop-objects'; readonly attemptIds: readonly string[] }
  /** Everything is gone: remove what is left outside, then write the final status. */
  | { readonly do: 'finish' }
  /** Nothing to do before this moment (on the clock of `now`); null: until something changes. */
  | { readonly do: 'wait'; readonly until: number | null }

export interface WorkerEnd {
  readonly worker: Worker
  readonly status: 'stopped' | 'failed'
  readonly reason: string
  /** Whether it counts as a worker that failed to start. */
  readonly startFailure: boolean
}

export interface Situation {
  readonly cluster: Cluster
  readonly workers: readonly Worker[]
  /** What is known but not recorded: lost in a restart, and found again by looking. */
  readonly facts: ClusterFacts
  readonly limits: Limits
  /** A clock that does not jump, in milliseconds; all times of facts are of it. */
  readonly now: number
}

export interface ClusterFacts {
  /** The last heartbeat, or when this process took the cluster over. */
  readonly heardAt: number
  /** Whether the proxies have the route, so that users may see RUNNING. */
  readonly published: boolean
  readonly attempts: ReadonlyMap<string, AttemptFacts>
  /** When the first try to start the scheduler began, as far as this process knows. */
  readonly startBegunAt: number | null
  /** The sentence of the last try that failed without an outcome. */
  readonly lastError: string | null
  /** What the backend may be asked for, as far as its limits are known. */
  readonly room: Room
}

export interface Room {
  /** How many workers are started by one call at most. */
  readonly workers: number
  /** Not before. */
  readonly from: number
}

export interface AttemptFacts {
  readonly observation: Observation | null
  /** The last moment at which it was known not to run yet; start time-outs count from it. */
  readonly notRunningAt: number
  /** When `find` first missed it. */
  readonly absentSince: number | null
  /** `find` missed it twice, far enough apart: it does not exist. */
  readonly absent: boolean
  readonly stopAskedAt: number | null
}

/** All in milliseconds. */
export interface Limits {
  readonly clusterStart: number
  readonly workerStart: number
  readonly heartbeat: number
  /** 0: none. */
  readonly queue: number
  readonly settle: number
  /** Between tries to start workers for which there was no room. */
  readonly roomAgain: number
  /** After this long a stop that has not been confirmed is asked for again. */
  readonly stopAgain: number
  readonly workerStartFailures: number
}

function towardsRunning(situation: Situation, waits: number[]): Step | null {
  const { cluster, facts, limits, now } = situation
  if (cluster.status === 'closing') return { do: 'close' }
  if (cluster.attempt === null) return { do: 'start-scheduler' }
  const attempt = factsOf(situation, cluster.attempt)
  const ended = goneReason(attempt)
  if (ended !== null)
    return {
      do: 'fail',
      reason:
        cluster.status === 'running'
          ? `The scheduler ended: ${ended}`
          : `The scheduler ended before it was ready: ${ended}`,
    }
  if (cluster.status === 'running') {
    if (now >= facts.heardAt + limits.heartbeat)
      return {
        do: 'fail',
        reason: `No heartbeat of the scheduler for ${inSeconds(limits.heartbeat)}`,
      }
    waits.push(facts.heardAt + limits.heartbeat)
    if (!facts.published) return { do: 'publish' }
    return settle(situation, [cluster.attempt], waits) ?? towardsCount(situation, waits)
  }
  return (
    lateStart(situation, cluster.attempt, attempt, waits) ??
    settleScheduler(situation, cluster.attempt, attempt, waits)
  )
}

/** Before the first heartbeat: what has waited or started for too long. */
function lateStart(
  { facts, limits, now }: Situation,
  attempt: Attempt,
  seen: AttemptFacts,
  waits: number[],
): Step | null {
  if (attempt.handle === null) {
    const until = (facts.startBegunAt ?? now) + limits.clusterStart
    if (now < until) {
      waits.push(until)
      return null
    }
    const why = facts.lastError === null ? '' : `: ${facts.lastError}`
    return {
      do: 'fail',
      reason: `The scheduler could not be started within ${inSeconds(limits.clusterStart)}${why}`,
    }
  }
  const never = neverReason(seen)
  if (never !== null) return { do: 'fail', reason: `The scheduler can never start: ${never}` }
  const late = lateness(attempt, seen, limits.clusterStart, limits.queue, now, waits)
  if (late === null) return null
  return {
    do: 'fail',
    reason:
      late === 'queue'
        ? `The scheduler waited in the queue for more than ${inSeconds(limits.queue)}`
        : `The scheduler sent no heartbeat within ${inSeconds(limits.clusterStart)} of its start`,
  }
}

function lateness(
  attempt: Attempt,
  seen: AttemptFacts,
  startLimit: number,
  queueLimit: number,
  now: number,
  waits: number[],
): 'start' | 'queue' | null {
  if (seen.observation?.state === 'pending') {
    if (queueLimit === 0) return null
    // The age of the attempt counts by the calendar, since a queue may keep it over many restarts of ours.
    const until = now + attempt.createdAt + queueLimit - Date.now()
    waits.push(until)
    return now >= until ? 'queue' : null
  }
  const until = seen.notRunningAt + startLimit
  waits.push(until)
  return now >= until ? 'start' : null
}

function settleScheduler(
  situation: Situation,
  attempt: Attempt,
  seen: AttemptFacts,
  waits: number[],
): Step | null {
  if (attempt.handle !== null) return null
  return seen.absent ? { do: 'start-scheduler' } : settle(situation, [attempt], waits)
}

/**
 * Of one cluster, at a time: its scheduler is somebody's code and may ask for any number. The others follow as these
 * connect, so it limits nobody who has the machines.
 */
const mostUnconnected = 1000

/** In one step, after which it is looked again whether the cluster is still wanted. */
const mostStartedAtOnce = 100

export const fullRoom: Room = { workers: mostStartedAtOnce, from: 0 }

/**
 * What may be asked for after some workers found room or did not. After a limit was met one worker tries it again, and as long as all
 * find room, twice as many.
 */
export function roomAfter(before: Room, wasEnough: boolean, again: number): Room {
  if (!wasEnough) return { workers: 1, from: again }
  return { workers: Math.min(2 * before.workers, mostStartedAtOnce), from: 0 }
}

/** The workers of a running cluster. */
function towardsCount(situation: Situation, waits: number[]): Step | null {
  const { cluster, limits } = situation
  const workers = situation.workers.filter((worker) => !isFinal(worker.status))
  if (cluster.workerStartFailures >= limits.workerStartFailures)
    return { do: 'fail', reason: startFailures(situation) }
  const ends = workers.flatMap((worker) => endOf(situation, worker) ?? [])
  if (ends.length > 0) return { do: 'end-workers', ends }
  const wanted = workers.filter((worker) => worker.target === 'running')
  const missing = cluster.count - wanted.filter((worker) => !worker.endExpected).length
  const room = mostUnconnected - workers.filter((worker) => worker.status !== 'running').length
  if (missing > 0 && room > 0) return { do: 'add-workers', count: Math.min(missing, room) }
  return (
    surplus(wanted, -missing) ??
    neverWorkers(situation, wanted) ??
    lateWorkers(situation, wanted, waits) ??
    newWorkers(situation, wanted, waits) ??
    stopWhatIsUnwanted(situation, workers, waits) ??
    settle(situation, attemptsOf(wanted), waits)
  )
}

/** Connected workers are never stopped for scaling: the scheduler retires them itself. */
function surplus(wanted: readonly Worker[], count: number): Step | null {
  if (count <= 0) return null
  const pending = wanted
    .filter((worker) => worker.status !== 'running')
    .toSorted((a, b) => Number(a.attempt !== null) - Number(b.attempt !== null))
    .slice(0, count)
  if (pending.length === 0) return null
  return { do: 'retire-workers', workers: pending, target: 'stopped', reason: 'No longer wanted' }
}

function lateWorkers(
  situation: Situation,
  wanted: readonly Worker[],
  waits: number[],
): Step | null {
  const { limits, now } = situation
  const late = wanted.filter(
    (worker) =>
      worker.status === 'submitted' &&
      worker.attempt !== null &&
      lateness(
        worker.attempt,
        factsOf(situation, worker.attempt),
        limits.workerStart,
        limits.queue,
        now,
        waits,
      ) !== null,
  )
  if (late.length === 0) return null
  return {
    do: 'retire-workers',
    workers: late,
    target: 'failed',
    reason: `Did not connect to the scheduler in time (${inSeconds(limits.workerStart)} from its start)`,
  }
}

/** All of them at once, of which the first tells why. */
function neverWorkers(situation: Situation, wanted: readonly Worker[]): Step | null {
  const reasonOf = ({ attempt }: Worker) =>
    attempt === null ? null : neverReason(factsOf(situation, attempt))
  const workers = wanted.filter((worker) => reasonOf(worker) !== null)
  const [first] = workers
  if (first === undefined) return null
  const reason = `The worker can never start: ${reasonOf(first)}`
  return { do: 'retire-workers', workers, target: 'failed', reason, startFailures: true }
}

function newWorkers(
  { facts: { room }, now }: Situation,
  wanted: readonly Worker[],
  waits: number[],
): Step | null {
  const workers = wanted.filter((worker) => worker.attempt === null).slice(0, room.workers)
  if (workers.length === 0) return null
  if (now >= room.from) return { do: 'start-workers', workers }
  waits.push(room.from)
  return null
}

/** The end of one worker, when it has come. */
function endOf(situation: Situation, worker: Worker): WorkerEnd | null {
  if (worker.attempt === null)
    return worker.target === 'running'
      ? null
      : {
          worker,
          status: worker.target,
          reason: worker.reason ?? 'Never started',
          startFailure: false,
        }
  const seen = factsOf(situation, worker.attempt)
  const connected = worker.status === 'running'
  if (seen.absent && worker.attempt.handle === null)
    return {
      worker,
      status: worker.target === 'stopped' ? 'stopped' : 'failed',
      reason: worker.reason ?? 'Its start was lost on the way',
      startFailure: false,
    }
  const reason = goneReason(seen)
  if (reason === null) return null
  if (worker.target === 'stopped' || (worker.target === 'running' && worker.endExpected))
    return { worker, status: 'stopped', reason: worker.reason ?? reason, startFailure: false }
  return {
    worker,
    status: 'failed',
    reason: worker.reason ?? reason,
    startFailure: worker.target === 'running' && !connected && !wasInterrupted(seen),
  }
}

function startFailures({ cluster, workers }: Situation): string {
  const last = workers
    .filter((worker) => worker.target === 'failed')
    .toSorted((a, b) => (b.stopTime ?? 0) - (a.stopTime ?? 0))[0]
  const why = last?.reason == null ? '' : `; the last: ${last.reason}`
  return `${cluster.workerStartFailures} workers in a row failed to start${why}`
}

function towardsEnd(situation: Situation, waits: number[]): Step | null {
  const { cluster } = situation
  if (cluster.status !== 'closing') return { do: 'close' }
  const workers = situation.workers.filter((worker) => !isFinal(worker.status))
  const ends = workers.flatMap((worker) => endOf(situation, worker) ?? [])
  if (ends.length > 0) return { do: 'end-workers', ends }
  const scheduler =
    cluster.attempt === null || isOver(situation, cluster.attempt) ? [] : [cluster.attempt]
  if (workers.length === 0 && scheduler.length === 0) return { do: 'finish' }
  return stopAttempts(situation, [...scheduler, ...attemptsOf(workers)], waits)
}

function stopWhatIsUnwanted(
  situation: Situation,
  workers: readonly Worker[],
  waits: number[],
): Step | null {
  return stopAttempts(
    situation,
    attemptsOf(workers.filter((worker) => worker.target !== 'running')),
    waits,
  )
}

/** Stops those that are known outside, and looks for those of which it is not known whether they exist. */
function stopAttempts(
  situation: Situation,
  attempts: readonly Attempt[],
  waits: number[],
): Step | null {
  const { limits, now } = situation
  const due = attempts.filter((attempt) => {
    if (attempt.handle === null) return false
    const askedAt = factsOf(situation, attempt).stopAskedAt
    if (askedAt !== null) waits.push(askedAt + limits.stopAgain)
    return askedAt === null || now >= askedAt + limits.stopAgain
  })
  if (due.length > 0) return { do: 'stop-objects', attemptIds: due.map((attempt) => attempt.id) }
  return settle(situation, attempts, waits)
}

/** Asks twice, `limits.settle` apart, for attempts of unknown outcome. */
function settle(situation: Situation, attempts: readonly Attempt[], waits: number[]): Step | null {
  const { limits, now } = situation
  const due = attempts.filter((attempt) => {
    const { absent, absentSince } = factsOf(situation, attempt)
    if (attempt.handle !== null || absent) return false
    if (absentSince === null || now >= absentSince + limits.settle) return true
    waits.push(absentSince + limits.settle)
    return false
  })
  return due.length === 0 ? null : { do: 'find', attemptIds: due.map((attempt) => attempt.id) }
}

function attemptsOf(workers: readonly Worker[]): Attempt[] {
  return workers.flatMap((worker) => worker.attempt ?? [])
}

function isOver(situation: Situation, attempt: Attempt): boolean {
  const seen = factsOf(situation, attempt)
  return attempt.handle === null ? seen.absent : goneReason(seen) !== null
}

function goneReason(seen: AttemptFacts): string | null {
  return seen.observation?.state === 'gone' ? seen.observation.reason : null
}

function wasInterrupted({ observation }: AttemptFacts): boolean {
  return observation?.state === 'gone' && observation.interrupted === true
}

function neverReason({ observation }: AttemptFacts): string | null {
  if (observation?.state !== 'pending' || observation.never !== true) return null
  return observation.reason ?? 'the queue does not say why'
}

function factsOf({ facts, now }: Situation, attempt: Attempt): AttemptFacts {
  return facts.attempts.get(attempt.id) ?? newAttemptFacts(now)
}

/** What is known of an attempt of which nothing is known. */
export function newAttemptFacts(now: number): AttemptFacts {
  return {
    observation: null,
    notRunningAt: now,
    absentSince: null,
    absent: false,
    stopAskedAt: null,
  }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

import { isFinal, type Worker } from '../core/index.ts'
import {
  attemptsOf,
  factsOf,
  goneReason,
  inSeconds,
  lateness,
  neverReason,
  settle,
  stopAttempts,
  wasInterrupted,
} from './attempt-lifecycle.ts'
import { leftUnexpectedly } from './heartbeat.ts'
import type { AttemptFacts, Situation, Step, WorkerEnd } from './situation.ts'

/**
 * Of one cluster, at a time: its scheduler is somebody's code and may ask for any number. The others follow as these
 * connect, so it limits nobody who has the machines.
 */
const mostUnconnected = 1000

/** Who leaves a scheduler most often ends by itself, and the backend can tell why only if nobody has stopped it. */
const ownEndMs = 5000

/** The workers of a running cluster. */
export function towardsCount(situation: Situation, waits: number[]): Step | null {
  const { cluster, limits } = situation
  const workers = situation.workers.filter((worker) => !isFinal(worker.status))
  if (cluster.workerStartFailures >= limits.workerStartFailures)
    return { do: 'fail', reason: startFailures(situation) }
  const ends = workers.flatMap((worker) => endOf(situation, worker) ?? [])
  if (ends.length > 0) return { do: 'end-workers', ends }
  const wanted = workers.filter((worker) => worker.target === 'running')
  const missing = missingOf(situation)
  const unconnected = workers.filter((worker) => worker.status !== 'running').length
  const room = Math.min(mostUnconnected - unconnected, situation.quota.workers)
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

/** How many are to be begun; less than none: so many are too many. */
function missingOf({ cluster, workers }: Situation): number {
  const stay = (worker: Worker) =>
    !isFinal(worker.status) && worker.target === 'running' && !worker.endExpected
  return cluster.count - workers.filter(stay).length
}

/** Whether a quota keeps a running cluster from workers that it should have. */
export function isShortOfQuota(situation: Situation): boolean {
  const { cluster, quota } = situation
  const runs = cluster.target === 'running' && cluster.status === 'running'
  return runs && quota.workers === 0 && missingOf(situation) > 0
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
export function endOf(situation: Situation, worker: Worker): WorkerEnd | null {
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
    reason: whyFailed(worker, reason, seen),
    startFailure: worker.target === 'running' && !connected && !wasInterrupted(seen),
  }
}

function whyFailed({ reason }: Worker, seenReason: string, seen: AttemptFacts): string {
  if (reason === null) return seenReason
  const isOwnEnd = seen.stopAskedAt === null || wasInterrupted(seen)
  return reason === leftUnexpectedly && isOwnEnd ? `${reason}: ${seenReason}` : reason
}

function startFailures({ cluster, workers }: Situation): string {
  const last = workers
    .filter((worker) => worker.target === 'failed')
    .toSorted((a, b) => (b.stopTime ?? 0) - (a.stopTime ?? 0))[0]
  const why = last?.reason == null ? '' : `; the last: ${last.reason}`
  return `${cluster.workerStartFailures} workers in a row failed to start${why}`
}

function stopWhatIsUnwanted(
  situation: Situation,
  workers: readonly Worker[],
  waits: number[],
): Step | null {
  const unwanted = attemptsOf(workers.filter((worker) => worker.target !== 'running'))
  const due = unwanted.filter((attempt) => {
    const { leftAt } = factsOf(situation, attempt)
    if (leftAt === null || situation.now >= leftAt + ownEndMs) return true
    waits.push(leftAt + ownEndMs)
    return false
  })
  return stopAttempts(situation, due, waits)
}

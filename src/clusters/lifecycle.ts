import { type Attempt, isFinal } from '../core/index.ts'
import {
  attemptsOf,
  factsOf,
  goneReason,
  inSeconds,
  isOver,
  lateness,
  neverReason,
  settle,
  stopAttempts,
} from './attempt-lifecycle.ts'
import { towardsEndOfLife } from './life.ts'
import type { AttemptFacts, Situation, Step } from './situation.ts'
import { endOf, isShortOfQuota, towardsCount } from './worker-lifecycle.ts'

/**
 * The state machine of a cluster and its workers, as one pure function.
 *
 * Level-based: it looks at what is recorded, what is seen and what is wanted, never at what has just happened, so it may
 * be asked at any moment, after a crash too, and names the next thing to do. The reconciler carries it out and asks again.
 *
 *   cluster  created ──room in quotas, start──► submitted ──first heartbeat──► running ──target not running──► closing ──► stopped | failed
 *   worker   created ──start──► submitted ──in a heartbeat───► running ──gone, or told to stop───────────► stopped | failed
 */
export function nextStep(situation: Situation): Step {
  const { cluster } = situation
  if (isFinal(cluster.status)) return { do: 'wait', until: null, isShort: false }
  const waits: number[] = []
  const step =
    cluster.target === 'running' ? towardsRunning(situation, waits) : towardsEnd(situation, waits)
  const until = waits.length === 0 ? null : Math.min(...waits)
  return step ?? { do: 'wait', until, isShort: isShortOfQuota(situation) }
}

function towardsRunning(situation: Situation, waits: number[]): Step | null {
  const { cluster, facts, limits, now } = situation
  if (cluster.status === 'closing') return { do: 'close' }
  if (cluster.queued !== null) return situation.quota.waitsFor === null ? { do: 'admit' } : null
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
    return (
      towardsEndOfLife(situation, waits) ??
      settle(situation, [cluster.attempt], waits) ??
      towardsCount(situation, waits)
    )
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

function settleScheduler(
  situation: Situation,
  attempt: Attempt,
  seen: AttemptFacts,
  waits: number[],
): Step | null {
  if (attempt.handle !== null) return null
  return seen.absent ? { do: 'start-scheduler' } : settle(situation, [attempt], waits)
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

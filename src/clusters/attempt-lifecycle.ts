import type { Attempt, Worker } from '../core/index.ts'
import { steadyNow } from '../util/index.ts'
import { type AttemptFacts, newAttemptFacts, type Situation, type Step } from './situation.ts'

/** Stops those that are known outside, and looks for those of which it is not known whether they exist. */
export function stopAttempts(
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
export function settle(
  situation: Situation,
  attempts: readonly Attempt[],
  waits: number[],
): Step | null {
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

export function lateness(
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
    const until = now + attempt.createdAt + queueLimit - steadyNow()
    waits.push(until)
    return now >= until ? 'queue' : null
  }
  const until = seen.notRunningAt + startLimit
  waits.push(until)
  return now >= until ? 'start' : null
}

export function attemptsOf(workers: readonly Worker[]): Attempt[] {
  return workers.flatMap((worker) => worker.attempt ?? [])
}

export function isOver(situation: Situation, attempt: Attempt): boolean {
  const seen = factsOf(situation, attempt)
  return attempt.handle === null ? seen.absent : goneReason(seen) !== null
}

export function factsOf({ facts, now }: Situation, attempt: Attempt): AttemptFacts {
  return facts.attempts.get(attempt.id) ?? newAttemptFacts(now)
}

export function goneReason(seen: AttemptFacts): string | null {
  return seen.observation?.state === 'gone' ? seen.observation.reason : null
}

export function neverReason({ observation }: AttemptFacts): string | null {
  if (observation?.state !== 'pending' || observation.never !== true) return null
  return observation.reason ?? 'the queue does not say why'
}

export function wasInterrupted({ observation }: AttemptFacts): boolean {
  return observation?.state === 'gone' && observation.interrupted === true
}

export function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}

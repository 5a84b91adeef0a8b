import { ageOf, type ComingEnd, comingEnd, type Life } from './life.ts'
import type { Entry } from './records.ts'
import { isAbsurd } from './usage.ts'

/** How old a cluster is and who uses it, now. */
export function lifeOf(entry: Entry, now: number): Life {
  const { readyTime } = entry.cluster
  const clients = entry.clients()
  if (readyTime === null) return { ageMs: null, clients }
  const calendar = Date.now()
  // By a clock that was wrong then, or is now: it counts from here.
  const ageMs = isAbsurd({ runningSince: readyTime }, calendar) ? 0 : calendar - readyTime
  const firstAge = entry.facts.firstAge ?? { ageMs, at: now }
  if (entry.facts.firstAge === null) entry.facts = { ...entry.facts, firstAge }
  return { ageMs: ageOf(readyTime, calendar, firstAge, now), clients }
}

/** The end that its life comes to as things are; null: none is in sight. */
export function comingEndOf(entry: Entry): ComingEnd | null {
  const { cluster, facts } = entry
  if (cluster.status !== 'running' || cluster.target !== 'running') return null
  const now = performance.now()
  return comingEnd(cluster.settings, cluster.endAge, lifeOf(entry, now), facts.usedAt, now)
}

/** Its owner has done what only who uses it does. */
export function markUsed(entry: Entry): void {
  entry.facts = { ...entry.facts, usedAt: performance.now() }
}

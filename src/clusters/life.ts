import type { ClientPresence, ClusterSettings } from '../core/index.ts'
import type { Situation, Step } from './situation.ts'

/** When a cluster will end by itself as things are, and why. */
export interface ComingEnd {
  /** Milliseconds from now. */
  readonly inMs: number
  readonly reason: string
}

/** How old a cluster is and who uses it, at one moment. */
export interface Life {
  /** Milliseconds since its scheduler was first heard; null: not yet. By two clocks, see `ageOf`. */
  readonly ageMs: number | null
  readonly clients: ClientPresence
}

/**
 * How long a cluster has run. What must survive a restart is calendar time, but a calendar may jump; the clock of this process does not, but
 * knows nothing of earlier ones. So a cluster is as old as both say at least: the calendar since its first heartbeat, and what
 * the calendar said when this process first looked, with what has passed here since.
 */
export function ageOf(
  readyTime: number,
  calendar: number,
  first: { readonly ageMs: number; readonly at: number },
  now: number,
): number {
  return Math.max(0, Math.min(calendar - readyTime, first.ageMs + (now - first.at)))
}

/** Warns of the end of a running cluster's life, and ends it; null: not now. */
export function towardsEndOfLife(situation: Situation, waits: number[]): Step | null {
  return lifetimeStep(situation, waits) ?? clientStep(situation, waits)
}

function lifetimeStep({ cluster, life, now }: Situation, waits: number[]): Step | null {
  const { cluster_max_lifetime: seconds } = cluster.settings
  if (seconds === 0 || life.ageMs === null) return null
  const reason = lifetimeReason(seconds)
  const warningMs = warningOf(cluster.settings, seconds)
  const endAge = cluster.endAge ?? (warningMs === 0 ? seconds * 1000 : null)
  // A cluster always has its warning: one that is found to be too old already ends so much later.
  if (endAge === null) {
    const untilMs = seconds * 1000 - warningMs - life.ageMs
    if (untilMs > 0) return wait(waits, now + untilMs)
    const inMs = Math.max(seconds * 1000 - life.ageMs, warningMs)
    return { do: 'warn-of-end', of: 'lifetime', endAge: Math.ceil(life.ageMs + inMs), reason, inMs }
  }
  if (life.ageMs >= endAge) return { do: 'end', reason }
  return wait(waits, now + endAge - life.ageMs)
}

function clientStep({ cluster, facts, life, now }: Situation, waits: number[]): Step | null {
  const { client_timeout: seconds } = cluster.settings
  if (seconds === 0) return null
  const timeoutMs = seconds * 1000
  const warningMs = warningOf(cluster.settings, seconds)
  const since = clientlessSince(life.clients, facts.usedAt)
  // Whoever goes later goes after now: it is soon enough to look again then.
  if (since === null) return wait(waits, now + Math.max(1000, timeoutMs - warningMs))
  const reason = clientReason(seconds)
  const isWarned = facts.clientWarnedAt !== null && facts.clientWarnedAt >= since
  if (warningMs > 0 && !isWarned) {
    const at = since + timeoutMs - warningMs
    if (now < at) return wait(waits, at)
    const inMs = Math.max(since + timeoutMs - now, warningMs)
    return { do: 'warn-of-end', of: 'clients', reason, inMs }
  }
  const warnedUntil = isWarned ? (facts.clientWarnedAt ?? 0) + warningMs : 0
  const endAt = Math.max(since + timeoutMs, warnedUntil)
  return now >= endAt ? { do: 'end', reason } : wait(waits, endAt)
}

/** For people: the nearest end of a running cluster's life; null: none is in sight. */
export function comingEnd(
  settings: ClusterSettings,
  endAge: number | null,
  life: Life,
  usedAt: number,
  now: number,
): ComingEnd | null {
  const ends: ComingEnd[] = []
  const { cluster_max_lifetime: lifetime, client_timeout: timeout } = settings
  if (lifetime > 0 && life.ageMs !== null) {
    const inMs = Math.max(0, (endAge ?? lifetime * 1000) - life.ageMs)
    ends.push({ inMs, reason: lifetimeReason(lifetime) })
  }
  const since = clientlessSince(life.clients, usedAt)
  if (timeout > 0 && since !== null)
    ends.push({ inMs: Math.max(0, since + timeout * 1000 - now), reason: clientReason(timeout) })
  return ends.toSorted((a, b) => a.inMs - b.inMs)[0] ?? null
}

/** Since when nobody is known to use it; null: somebody does, or may. */
function clientlessSince(clients: ClientPresence, usedAt: number): number | null {
  return clients.state === 'none' ? Math.max(clients.since, usedAt) : null
}

function warningOf({ end_warning }: ClusterSettings, limitSeconds: number): number {
  return Math.min(end_warning, limitSeconds) * 1000
}

function lifetimeReason(seconds: number): string {
  return `Its lifetime of ${durationText(seconds)} is over (cluster_max_lifetime)`
}

function clientReason(seconds: number): string {
  return `No client was connected for ${durationText(seconds)} (client_timeout)`
}

/** "8 h", "90 min", "45 s" */
export function durationText(seconds: number): string {
  const units = [
    [86_400, 'days'],
    [3600, 'h'],
    [60, 'min'],
  ] as const
  for (const [size, unit] of units)
    if (seconds >= 2 * size || seconds === size)
      return `${Number((seconds / size).toFixed(1))} ${seconds === 86_400 ? 'day' : unit}`
  return `${Number(seconds.toFixed(1))} s`
}

function wait(waits: number[], until: number): null {
  waits.push(until)
  return null
}

import {
  type Attempt,
  addUsage,
  type Cluster,
  type DayUsage,
  isFinal,
  noUsage,
  type Observation,
  splitByDay,
  type UsageAmounts,
  type UsageOwner,
  type Worker,
} from '../core/index.ts'
import type { AttemptFacts, ClusterFacts } from './situation.ts'

/**
 * What counts of an attempt: from when it began to run to when it ended, on the clock of `steadyNow`, which does not jump while this
 * process lives. The start is in the attempt's record with the first heartbeat; the end is counted in the commit that records it,
 * and so once. Whatever the system's clock or a backend says, no end lies before its start and nothing counts that lies before its record.
 */

/** Somebody's clock was wrong when a record says that it began to run that long ago, or in the future. */
const longestMs = 5 * 366 * 86_400_000

type Facts = Pick<ClusterFacts, 'attempts'>

/** The record, with when it began to run once it has been heard of. */
export function begun<R extends Cluster | Worker>(record: R, facts: Facts, now: number): R {
  const { attempt, status } = record
  if (status !== 'running' || attempt === null || attempt.runningSince !== null) return record
  const runningSince = facts.attempts.get(attempt.id)?.runningSince ?? now
  return { ...record, attempt: { ...attempt, runningSince } }
}

/** What an observation tells of when something began to run and ended, as far as that can be. */
export function factsOfTimes(
  observation: Observation,
  attempt: Pick<Attempt, 'createdAt'>,
  known: AttemptFacts | undefined,
  now: number,
): Pick<AttemptFacts, 'runningSince' | 'seenRunningAt' | 'goneAt'> {
  const { runningSince = null, seenRunningAt = null, goneAt = null } = known ?? {}
  if (observation.state === 'running') {
    const since = runningSince ?? placed(observation.since ?? now, bornAt(attempt, now), now)
    return { runningSince: since, seenRunningAt: now, goneAt }
  }
  if (observation.state !== 'gone' || goneAt !== null)
    return { runningSince, seenRunningAt, goneAt }
  const { since, at } = observation
  const first = runningSince ?? (since == null ? null : placed(since, bornAt(attempt, now), now))
  // A user may have a hand in what tells of the end: it lies no earlier than when it was last seen to run.
  return { runningSince: first, seenRunningAt, goneAt: placed(at ?? now, seenRunningAt ?? 0, now) }
}

/** Whether the start in a record cannot be: it then counts from `now`, when this process took it over. */
export function isAbsurd({ runningSince }: Pick<Attempt, 'runningSince'>, now: number): boolean {
  return runningSince !== null && (runningSince > now || now - runningSince > longestMs)
}

/** What ends by this change of the records, day by day. */
export function endedUsage(
  before: { readonly cluster: Cluster; readonly workers: ReadonlyMap<string, Worker> },
  changed: { readonly cluster?: Cluster; readonly workers?: readonly Worker[] },
  facts: Facts,
  now: number,
): readonly DayUsage[] {
  const tally = new Tally(before.cluster, facts, now)
  const ends = (old: Cluster | Worker, record: Cluster | Worker) =>
    !isFinal(old.status) && (isFinal(record.status) || record.attempt?.id !== old.attempt?.id)
  if (changed.cluster !== undefined && ends(before.cluster, changed.cluster)) tally.scheduler()
  for (const worker of changed.workers ?? []) {
    const old = before.workers.get(worker.name)
    if (old !== undefined && ends(old, worker)) tally.worker(old)
  }
  return tally.days()
}

/** What of a cluster runs, up to now. */
export function runningUsage(
  {
    cluster,
    workers,
    facts,
  }: {
    readonly cluster: Cluster
    readonly workers: ReadonlyMap<string, Worker>
    readonly facts: Facts
  },
  now: number,
): readonly DayUsage[] {
  const tally = new Tally(cluster, facts, now)
  if (!isFinal(cluster.status)) tally.scheduler()
  for (const worker of workers.values()) if (!isFinal(worker.status)) tally.worker(worker)
  return tally.days()
}

/** Whose usage a cluster's is. */
export function ownerOf({ username, groups, settings }: Cluster): UsageOwner {
  return { username, groups: groups.toSorted(), labels: settings.labels }
}

class Tally {
  readonly #cluster: Cluster
  readonly #facts: Facts
  readonly #now: number
  readonly #days = new Map<string, UsageAmounts>()

  constructor(cluster: Cluster, facts: Facts, now: number) {
    this.#cluster = cluster
    this.#facts = facts
    this.#now = now
  }

  scheduler(): void {
    const { scheduler_cores, scheduler_memory } = this.#cluster.settings
    this.#add(this.#cluster.attempt, (ms) => ({
      clusterMs: ms,
      workerMs: 0,
      coreMs: ms * scheduler_cores,
      memoryByteMs: ms * scheduler_memory,
    }))
  }

  worker({ attempt }: Worker): void {
    const { worker_cores, worker_memory } = this.#cluster.settings
    this.#add(attempt, (ms) => ({
      clusterMs: 0,
      workerMs: ms,
      coreMs: ms * worker_cores,
      memoryByteMs: ms * worker_memory,
    }))
  }

  days(): readonly DayUsage[] {
    const owner = ownerOf(this.#cluster)
    return [...this.#days].map(([day, amounts]) => ({ ...owner, day, ...amounts }))
  }

  #add(attempt: Attempt | null, amountsOf: (ms: number) => UsageAmounts): void {
    if (attempt === null) return
    const seen = this.#facts.attempts.get(attempt.id)
    const start = startOf(attempt, seen)
    if (start === null) return
    const end = Math.min(attempt.endedAt ?? seen?.goneAt ?? this.#now, this.#now)
    for (const [day, ms] of splitByDay(start, end))
      this.#days.set(day, addUsage(this.#days.get(day) ?? noUsage, amountsOf(ms)))
  }
}

/** null: it never ran, as far as is known. */
function startOf({ runningSince }: Attempt, seen: AttemptFacts | undefined): number | null {
  if (seen?.countFrom != null) return seen.countFrom
  const known = [runningSince, seen?.runningSince ?? null].filter((each) => each !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** Nothing ran before its attempt was recorded; a record of another clock says nothing. */
function bornAt({ createdAt }: Pick<Attempt, 'createdAt'>, now: number): number {
  return now - createdAt > longestMs ? now : Math.min(createdAt, now)
}

function placed(time: number, from: number, to: number): number {
  return Math.round(Math.min(Math.max(time, from), to))
}

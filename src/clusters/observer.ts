import { type Backend, isFinal, type Logger, messageOf, type Observation } from '../core/index.ts'
import { steadyNow } from '../util/index.ts'
import { type Entry, objectRefs, type Records } from './records.ts'
import { factsOfTimes } from './usage.ts'

export interface ObserverParts {
  readonly records: Records
  readonly backend: Backend
  readonly logger: Logger
  readonly wakeCluster: (name: string) => void
  /** Between looks while nothing starts or stops. */
  readonly quietMs: number
}

/** Between looks while something starts or stops. */
const busyMs = 2000
/** Between two looks in any case, so that many children that end at once are seen in one. */
const restMs = 50
const limitMs = 60_000

const isNever = (observation: Observation) =>
  observation.state === 'pending' && observation.never === true

/**
 * Looks at everything that runs, all clusters in one call: soon after the backend says that something changed, every two seconds
 * while something starts or stops, else once a status period. What it sees are facts; the reconciler decides.
 */
export class Observer {
  readonly #parts: ObserverParts
  #timer: NodeJS.Timeout | null = null
  #dueAt = 0
  #looking: Promise<void> | null = null
  #again = false
  #stopped = false
  #problem: string | null = null

  constructor(parts: ObserverParts) {
    this.#parts = parts
  }

  /** Why the last look failed; null: it did not. */
  get problem(): string | null {
    return this.#problem
  }

  start(): void {
    this.wake()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#looking
  }

  /** Asks for a look soon. */
  wake(): void {
    if (this.#looking !== null) this.#again = true
    else this.#schedule(restMs)
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return
    const dueAt = performance.now() + delayMs
    // What is due sooner stays, or who is woken again and again would never look.
    if (this.#timer !== null && this.#dueAt <= dueAt) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#looking = this.#look()
        .then(
          () => {
            this.#problem = null
          },
          (error: unknown) => {
            this.#problem = messageOf(error)
            this.#parts.logger.warn('The backend could not be observed', { error })
          },
        )
        .finally(() => {
          this.#looking = null
          this.#schedule(this.#again ? restMs : this.#isBusy() ? busyMs : this.#parts.quietMs)
          this.#again = false
        })
    }, delayMs)
  }

  async #look(): Promise<void> {
    const { records, backend } = this.#parts
    const entries = [...records.all()].filter((entry) => !isFinal(entry.cluster.status))
    const refs = entries.flatMap((entry) => objectRefs(entry).filter((ref) => ref.handle !== null))
    if (refs.length === 0) return
    const seen = await backend.observe(refs, AbortSignal.timeout(limitMs))
    for (const entry of entries) await this.#take(entry, seen)
  }

  async #take(entry: Entry, seen: ReadonlyMap<string, Observation>): Promise<void> {
    const { records, wakeCluster } = this.#parts
    const now = performance.now()
    let changed = false
    for (const { attemptId, workerName, createdAt } of objectRefs(entry)) {
      const observation = seen.get(attemptId)
      if (observation === undefined || observation.state === 'unknown') continue
      const before = entry.facts.attempts.get(attemptId)
      changed ||= before?.observation?.state !== observation.state || isNever(observation)
      const waiting = observation.state === 'pending'
      const times = factsOfTimes(observation, { createdAt }, before, steadyNow())
      records.learn(entry, attemptId, {
        observation,
        ...times,
        ...(waiting ? { notRunningAt: now } : {}),
      })
      if (observation.state !== 'running' || observation.note === undefined) continue
      const kind = workerName === null ? 'scheduler note' : 'worker note'
      await records.tell(entry.cluster.name, kind, { kind: 'note', message: observation.note })
    }
    await this.#tellWaiting(entry, seen)
    if (changed) wakeCluster(entry.cluster.name)
  }

  /** The queue's own words, once each. */
  async #tellWaiting(entry: Entry, seen: ReadonlyMap<string, Observation>): Promise<void> {
    const { records } = this.#parts
    const { name } = entry.cluster
    const reasons = new Set<string>()
    for (const { attemptId, workerName } of objectRefs(entry)) {
      const observation = seen.get(attemptId)
      if (observation?.state !== 'pending') continue
      const message = observation.reason ?? 'Waiting in the queue'
      if (workerName !== null) reasons.add(message)
      else await records.tell(name, 'scheduler waits', { kind: 'cluster-pending', message })
    }
    if (reasons.size === 0) return
    const message = `Some workers wait. ${[...reasons].toSorted().join('; ')}`
    await records.tell(name, 'workers wait', { kind: 'workers-pending', message })
  }

  #isBusy(): boolean {
    for (const { cluster, workers } of this.#parts.records.all()) {
      if (isFinal(cluster.status)) continue
      if (cluster.status !== 'running' || cluster.target !== 'running') return true
      for (const worker of workers.values())
        if (!isFinal(worker.status) && (worker.status !== 'running' || worker.target !== 'running'))
          return true
    }
    return false
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { type Backend, dayOf, isFinal, type LogArchive, type Logger } from '../core/index.ts'
import { objectRefs, type Records } from './records.ts'

export interface HousekeepingParts {
  readonly records: Records
  readonly backend: Backend
  readonly logArchive: LogArchive
  readonly logger: Logger
  readonly cleanupPeriodMs: number
  readonly clusterMaxAgeMs: number
  readonly logMaxAgeMs: number
  readonly sweepMinAgeMs: number
  readonly removeUsage: (before: string) => Promise<void>
  /** null: for ever. */
  readonly usageMaxAgeMs: number | null
}

const sweepPeriodMs = 60_000
const sweepLimitMs = 60_000

/** Forgets what is old, and stops what is ours outside and in no record: at start, and now and again. */
export class Housekeeping {
  readonly #parts: HousekeepingParts
  readonly #stopping = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
  }

  start(): void {
    const { cleanupPeriodMs } = this.#parts
    this.#loops = Promise.all([
      this.#every(cleanupPeriodMs, 'Old records could not be removed', () =>
        this.forgetOld(Date.now()),
      ),
      this.#every(sweepPeriodMs, 'Nothing could be swept', () => this.#sweep()),
    ])
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loops
  }

  /** Removes clusters, logs and usage whose time is over at `now` (milliseconds since the epoch). */
  async forgetOld(now: number): Promise<void> {
    const { records, logArchive, clusterMaxAgeMs, logMaxAgeMs, usageMaxAgeMs } = this.#parts
    if (usageMaxAgeMs !== null) await this.#parts.removeUsage(dayOf(now - usageMaxAgeMs))
    for (const { cluster } of [...records.all()]) {
      if (!isFinal(cluster.status) || cluster.stopTime === null) continue
      const age = now - cluster.stopTime
      if (age >= Math.min(logMaxAgeMs, clusterMaxAgeMs)) await logArchive.remove(cluster.name)
      if (age >= clusterMaxAgeMs) await records.remove(cluster.name)
    }
  }

  async #sweep(): Promise<void> {
    const { records, backend, logger, sweepMinAgeMs } = this.#parts
    const isCurrent = (attemptId: string) => {
      for (const entry of records.all())
        if (objectRefs(entry).some((ref) => ref.attemptId === attemptId)) return true
      return false
    }
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(sweepLimitMs)])
    for (const stopped of await backend.sweep(isCurrent, sweepMinAgeMs, signal))
      logger.warn(`Stopped what no record knows: ${stopped}`)
  }

  async #every(periodMs: number, failure: string, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await act().catch((error: unknown) => {
        if (!signal.aborted) this.#parts.logger.warn(failure, { error })
      })
      await delay(Math.max(periodMs, 1000), undefined, { signal }).catch(() => undefined)
    }
  }
}

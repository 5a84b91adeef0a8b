import { type Backlog, GatewayError, messageOf, type Telemetry } from '../core/index.ts'
import { find, stopObjects } from './attempt-steps.ts'
import { lifeOf } from './life-of.ts'
import { nextStep } from './lifecycle.ts'
import { quotaText } from './quota-words.ts'
import type { Entry } from './records.ts'
import {
  admit,
  close,
  end,
  fail,
  finish,
  publish,
  startScheduler,
  warnOfEnd,
} from './scheduler-steps.ts'
import type { QuotaRoom, Step } from './situation.ts'
import type { StepContext } from './step-context.ts'
import { WorkQueue } from './work-queue.ts'
import { addWorkers, endWorkers, retireWorkers, startWorkers } from './worker-steps.ts'

export interface ReconcilerParts extends Omit<StepContext, 'signal'> {
  readonly parallelism: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly telemetry?: Pick<Telemetry, 'stepped' | 'waited'> | undefined
}

const backendLimitMs = 120_000

/**
 * Carries out what `nextStep` says, one step of a cluster at a time. Level-based: `wake` only says that something about a cluster
 * may have changed. Retries live here and nowhere else; every step may be cut at any line and be done again.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts
  readonly #context: StepContext
  readonly #queue: WorkQueue
  readonly #failures = new Map<string, number>()
  readonly #stopping = new AbortController()

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
    this.#context = {
      ...parts,
      signal: () => AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(backendLimitMs)]),
    }
    this.#queue = new WorkQueue(
      parts.parallelism,
      (name) => this.#reconcile(name),
      (ms) => parts.telemetry?.waited(ms / 1000),
    )
  }

  wake(name: string): void {
    this.#queue.add(name)
  }

  get backlog(): Backlog {
    const { waiting, active, oldestMs } = this.#queue.backlog
    return { waiting, active, oldestSeconds: oldestMs / 1000, retrying: this.#failures.size }
  }

  /** Leaves everything as it is. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#queue.stop()
  }

  async #reconcile(name: string): Promise<void> {
    const { records, logger, limitsOf, backoffBaseMs, backoffMaxMs } = this.#parts
    try {
      while (!this.#stopping.signal.aborted) {
        const entry = records.get(name)
        if (entry === undefined) {
          this.#failures.delete(name)
          return
        }
        const { cluster } = entry
        const workers = [...entry.workers.values()]
        const now = performance.now()
        const quota = this.#quotaOf(entry)
        const limits = limitsOf(cluster)
        const life = lifeOf(entry, now)
        const { facts } = entry
        const step = nextStep({ cluster, workers, facts, limits, quota, life, now })
        if (step.do === 'wait') {
          await this.#tellShort(entry, step.isShort)
          this.#failures.delete(name)
          entry.told.delete('step')
          if (step.until !== null) this.#queue.addAt(name, step.until)
          return
        }
        logger.debug(`step: ${step.do}`, { cluster: name })
        await this.#measured(step, entry)
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      const failures = (this.#failures.get(name) ?? 0) + 1
      this.#failures.set(name, failures)
      const delayMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(failures - 1, 30))
      const entry = records.get(name)
      if (entry !== undefined) entry.facts = { ...entry.facts, lastError: messageOf(error) }
      logger.warn(`A step failed and is repeated in ${delayMs} ms`, { cluster: name, error })
      await this.#tell(name, error)
      this.#queue.addAt(name, performance.now() + delayMs)
    }
  }

  #quotaOf(entry: Entry): QuotaRoom {
    const { records, quotas } = this.#parts
    const { cluster, facts } = entry
    const waitsFor = quotas.waitsFor(cluster)
    if (waitsFor !== facts.quotaWait) {
      entry.facts = { ...facts, quotaWait: waitsFor }
      records.notify(cluster.name)
    }
    return { waitsFor, workers: quotas.roomForWorkers(cluster).workers }
  }

  async #tellShort({ cluster, told }: Entry, isShort: boolean): Promise<void> {
    const { records, quotas } = this.#parts
    quotas.setShort(cluster, isShort)
    const { tightest } = quotas.roomForWorkers(cluster)
    if (!isShort || tightest === null) return void told.delete('quota')
    const message = `Not all workers that were asked for are started: ${quotaText(tightest)}. The others start when there is room`
    await records.tell(cluster.name, 'quota', { kind: 'workers-limited', message })
  }

  /** What its owner may know of the systems that the gateway asks. */
  async #tell(name: string, error: unknown): Promise<void> {
    if (!(error instanceof GatewayError) || !['upstream', 'unavailable'].includes(error.code))
      return
    const { records, logger } = this.#parts
    const message = `Delayed, and tried again: ${error.message}`
    await records
      .tell(name, 'step', { kind: 'delayed', message })
      .catch((cause: unknown) =>
        logger.warn('An event could not be recorded', { cluster: name, error: cause }),
      )
  }

  async #measured(step: Exclude<Step, { do: 'wait' }>, entry: Entry): Promise<void> {
    const start = performance.now()
    let failed = true
    try {
      await this.#carryOut(step, entry)
      failed = false
    } finally {
      this.#parts.telemetry?.stepped(step.do, failed, (performance.now() - start) / 1000)
    }
  }

  #carryOut(step: Exclude<Step, { do: 'wait' }>, entry: Entry): Promise<void> {
    const context = this.#context
    switch (step.do) {
      case 'admit':
        return admit(context, entry)
      case 'start-scheduler':
        return startScheduler(context, entry)
      case 'find':
        return find(context, entry, new Set(step.attemptIds))
      case 'publish':
        return publish(context, entry)
      case 'add-workers':
        return addWorkers(context, entry, step.count)
      case 'start-workers':
        return startWorkers(context, entry, step.workers)
      case 'retire-workers':
        return retireWorkers(context, entry, step)
      case 'end-workers':
        return endWorkers(context, entry, step.ends)
      case 'warn-of-end':
        return warnOfEnd(context, entry, step)
      case 'end':
        return end(context, entry, step.reason)
      case 'fail':
        return fail(context, entry, step.reason)
      case 'close':
        return close(context, entry)
      case 'stop-objects':
        return stopObjects(context, entry, new Set(step.attemptIds))
      case 'finish':
        return finish(context, entry)
    }
  }
}

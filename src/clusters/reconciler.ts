import {
  type Attempt,
  type Backend,
  type Cluster,
  isFinal,
  type LogArchive,
  type Logger,
  messageOf,
  type ObjectRef,
  type RouteTable,
  type StartOutcome,
  type Worker,
} from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { type Limits, nextStep, type Step, type WorkerEnd } from './lifecycle.ts'
import { type Entry, objectRefs, type Records, routeOf } from './records.ts'
import { WorkQueue } from './work-queue.ts'

export interface ReconcilerParts {
  readonly records: Records
  readonly backend: Backend
  readonly routes: RouteTable
  readonly logArchive: LogArchive
  readonly logger: Logger
  readonly parallelism: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly limitsOf: (cluster: Cluster) => Limits
}

/** What the log keeps of an object after its end. */
const keptLogBytes = 1 << 20
const logTailLines = 20
const acknowledgeLimitMs = 2000
const backendLimitMs = 120_000

/**
 * Carries out what `nextStep` says, one step of a cluster at a time. Level-based: `wake` only says that something about a cluster
 * may have changed. Retries live here and nowhere else; every step may be cut at any line and be done again.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts
  readonly #queue: WorkQueue
  readonly #failures = new Map<string, number>()
  readonly #stopping = new AbortController()

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
    this.#queue = new WorkQueue(parts.parallelism, (name) => this.#reconcile(name))
  }

  wake(name: string): void {
    this.#queue.add(name)
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
        if (entry === undefined) return
        const { cluster, facts } = entry
        const workers = [...entry.workers.values()]
        const now = performance.now()
        const step = nextStep({ cluster, workers, facts, limits: limitsOf(cluster), now })
        if (step.do === 'wait') {
          this.#failures.delete(name)
          if (step.until !== null) this.#queue.addAt(name, step.until)
          return
        }
        logger.debug(`step: ${step.do}`, { cluster: name })
        await this.#carryOut(step, entry)
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      const failures = (this.#failures.get(name) ?? 0) + 1
      this.#failures.set(name, failures)
      const delayMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(failures - 1, 30))
      const entry = records.get(name)
      if (entry !== undefined) entry.facts = { ...entry.facts, lastError: messageOf(error) }
      logger.warn(`A step failed and is repeated in ${delayMs} ms`, { cluster: name, error })
      this.#queue.addAt(name, performance.now() + delayMs)
    }
  }

  #carryOut(step: Exclude<Step, { do: 'wait' }>, entry: Entry): Promise<void> {
    switch (step.do) {
      case 'start-scheduler':
        return this.#startScheduler(entry)
      case 'find':
        return this.#find(entry, new Set(step.attemptIds))
      case 'publish':
        return this.#publish(entry)
      case 'add-workers':
        return this.#addWorkers(entry, step.count)
      case 'start-workers':
        return this.#startWorkers(entry, step.workers)
      case 'retire-workers':
        return this.#retireWorkers(entry, step)
      case 'end-workers':
        return this.#endWorkers(entry, step.ends)
      case 'fail':
        return this.#fail(entry, step.reason)
      case 'close':
        return this.#close(entry)
      case 'stop-objects':
        return this.#stopObjects(entry, new Set(step.attemptIds))
      case 'finish':
        return this.#finish(entry)
    }
  }

  async #startScheduler(entry: Entry): Promise<void> {
    const { records, backend } = this.#parts
    const { name } = entry.cluster
    const attempt = newAttempt()
    entry.facts = { ...entry.facts, startBegunAt: entry.facts.startBegunAt ?? performance.now() }
    await records.change(name, ({ cluster }) =>
      cluster.target !== 'running'
        ? null
        : {
            cluster: {
              ...cluster,
              attempt,
              token: randomHex(16),
              status: 'created',
              addresses: null,
            },
          },
    )
    if (entry.cluster.attempt?.id !== attempt.id) return
    const outcome = await backend.startScheduler(entry.cluster, this.#signal())
    if (outcome.outcome === 'started')
      records.learn(entry, attempt.id, { notRunningAt: performance.now() })
    await records.change(name, ({ cluster }) => {
      if (outcome.outcome === 'refused') {
        if (cluster.target !== 'running') return { cluster: { ...cluster, attempt: null } }
        const { reason } = outcome
        return {
          cluster: { ...cluster, attempt: null, target: 'failed', reason },
          events: [{ kind: 'cluster-failing', message: reason }],
        }
      }
      const status = cluster.status === 'created' ? 'submitted' : cluster.status
      return {
        cluster: { ...cluster, status, attempt: { ...attempt, handle: outcome.handle } },
        events: [
          { kind: 'scheduler-started', message: 'The scheduler was started' },
          ...(outcome.notes ?? []).map((message) => ({ kind: 'note', message })),
        ],
      }
    })
  }

  async #find(entry: Entry, attemptIds: ReadonlySet<string>): Promise<void> {
    const { records, backend, limitsOf } = this.#parts
    const refs = objectRefs(entry).filter((ref) => attemptIds.has(ref.attemptId))
    const found = await backend.find(refs, this.#signal())
    const now = performance.now()
    const handles = new Map<string, StartOutcome>()
    for (const { attemptId } of refs) {
      const answer = found.get(attemptId)
      if (answer === undefined) throw new Error('the backend could not tell what became of a start')
      if (answer.state === 'found') {
        handles.set(attemptId, { outcome: 'started', handle: answer.handle })
        records.learn(entry, attemptId, { notRunningAt: now, absentSince: null })
        continue
      }
      const since = entry.facts.attempts.get(attemptId)?.absentSince ?? now
      const absent = now >= since + limitsOf(entry.cluster).settle && since !== now
      records.learn(entry, attemptId, { absentSince: since, absent })
    }
    await records.change(entry.cluster.name, ({ cluster, workers }) => {
      const outcome = cluster.attempt === null ? undefined : handles.get(cluster.attempt.id)
      return {
        ...(outcome?.outcome === 'started' && cluster.attempt !== null
          ? {
              cluster: {
                ...cluster,
                status: cluster.status === 'created' ? 'submitted' : cluster.status,
                attempt: { ...cluster.attempt, handle: outcome.handle },
              },
            }
          : {}),
        workers: withOutcomes(workers.values(), handles),
      }
    })
  }

  async #publish(entry: Entry): Promise<void> {
    const { records, routes } = this.#parts
    const { name, addresses } = entry.cluster
    if (addresses === null) throw new Error('a running cluster has no addresses')
    const version = routes.put(routeOf(name, addresses.scheduler))
    const missing = await routes.whenAcknowledged(version, acknowledgeLimitMs)
    if (entry.cluster.addresses === addresses) entry.facts = { ...entry.facts, published: true }
    const late =
      missing.length === 0 ? '' : `; these proxies do not have its route yet: ${missing.join(', ')}`
    await records.change(name, () => ({
      events: [{ kind: 'cluster-running', message: `The cluster is running${late}` }],
    }))
  }

  #addWorkers(entry: Entry, count: number): Promise<void> {
    const clusterName = entry.cluster.name
    const workers = Array.from({ length: count }, (): Worker => {
      const name = randomHex(16)
      const none = { stopTime: null, reason: null, attempt: null, endExpected: false } as const
      return {
        name,
        clusterName,
        status: 'created',
        target: 'running',
        startTime: Date.now(),
        ...none,
      }
    })
    return this.#parts.records.change(clusterName, () => ({ workers }))
  }

  async #startWorkers(entry: Entry, workers: readonly Worker[]): Promise<void> {
    const { records, backend } = this.#parts
    const { name } = entry.cluster
    const attempts = new Map(workers.map((worker) => [worker.name, newAttempt()]))
    await records.change(name, (newest) => ({
      workers: workers.flatMap((worker) => {
        const current = newest.workers.get(worker.name)
        const attempt = attempts.get(worker.name)
        return current === undefined || attempt === undefined ? [] : [{ ...current, attempt }]
      }),
    }))
    const starts = [...attempts].map(([workerName, { id }]) => ({ workerName, attemptId: id }))
    const outcomes = await backend.startWorkers(entry.cluster, starts, this.#signal())
    const now = performance.now()
    for (const [attemptId, { outcome }] of outcomes)
      if (outcome === 'started') records.learn(entry, attemptId, { notRunningAt: now })
    await records.change(name, (newest) => {
      const changed = withOutcomes(newest.workers.values(), outcomes)
      const refused = changed.filter((worker) => worker.status === 'failed')
      const notes = new Set(
        [...outcomes.values()].flatMap((each) => ('notes' in each ? (each.notes ?? []) : [])),
      )
      return {
        workers: changed,
        ...(refused.length === 0
          ? {}
          : {
              cluster: {
                ...newest.cluster,
                workerStartFailures: newest.cluster.workerStartFailures + refused.length,
              },
            }),
        events: [
          ...changed.map((worker) =>
            worker.status === 'failed'
              ? { kind: 'worker-failed', message: worker.reason ?? 'Refused', worker: worker.name }
              : { kind: 'worker-started', message: 'The worker was started', worker: worker.name },
          ),
          ...[...notes].map((message) => ({ kind: 'note', message })),
        ],
      }
    })
  }

  #retireWorkers(entry: Entry, step: Extract<Step, { do: 'retire-workers' }>): Promise<void> {
    const names = new Set(step.workers.map((worker) => worker.name))
    return this.#parts.records.change(entry.cluster.name, ({ workers }) => ({
      workers: [...workers.values()]
        // One that has connected meanwhile stays.
        .filter(
          (worker) =>
            names.has(worker.name) && worker.status !== 'running' && worker.target === 'running',
        )
        .map((worker) => ({ ...worker, target: step.target, reason: step.reason })),
    }))
  }

  async #endWorkers(entry: Entry, ends: readonly WorkerEnd[]): Promise<void> {
    const refs = new Map(objectRefs(entry).map((ref) => [ref.workerName, ref]))
    for (const { worker } of ends) {
      const ref = refs.get(worker.name)
      if (ref !== undefined && worker.attempt?.handle != null) await this.#keepLog(entry, ref)
    }
    const failures = ends.filter((end) => end.startFailure).length
    await this.#parts.records.change(entry.cluster.name, ({ cluster, workers }) => ({
      workers: ends.map(({ worker, status, reason }) => ({
        ...(workers.get(worker.name) ?? worker),
        status,
        target: status,
        reason,
        stopTime: Date.now(),
      })),
      ...(failures === 0
        ? {}
        : { cluster: { ...cluster, workerStartFailures: cluster.workerStartFailures + failures } }),
      events: ends.map(({ worker, status, reason }) => ({
        kind: `worker-${status}`,
        message: reason,
        worker: worker.name,
      })),
    }))
  }

  async #fail(entry: Entry, reason: string): Promise<void> {
    const log = await this.#logTail(entry)
    await this.#parts.records.change(entry.cluster.name, ({ cluster }) =>
      cluster.target !== 'running'
        ? null
        : {
            cluster: { ...cluster, target: 'failed', reason },
            events: [{ kind: 'cluster-failing', message: reason, details: { log_tail: log } }],
          },
    )
  }

  async #close(entry: Entry): Promise<void> {
    const { records, routes } = this.#parts
    routes.remove(entry.cluster.name)
    entry.facts = { ...entry.facts, published: false }
    await records.change(entry.cluster.name, ({ cluster, workers }) => {
      const target = cluster.target === 'running' ? 'failed' : cluster.target
      return {
        cluster: { ...cluster, status: 'closing', target },
        workers: [...workers.values()]
          .filter((worker) => !isFinal(worker.status) && worker.target === 'running')
          .map((worker) => ({ ...worker, target: 'stopped', reason: 'The cluster ends' })),
        events: [
          { kind: 'cluster-stopping', message: cluster.reason ?? 'The cluster is being stopped' },
        ],
      }
    })
  }

  async #stopObjects(entry: Entry, attemptIds: ReadonlySet<string>): Promise<void> {
    const { records, backend } = this.#parts
    const refs = objectRefs(entry).filter((ref) => attemptIds.has(ref.attemptId))
    await backend.stopObjects(entry.cluster, refs, this.#signal())
    for (const { attemptId } of refs)
      records.learn(entry, attemptId, { stopAskedAt: performance.now() })
  }

  async #finish(entry: Entry): Promise<void> {
    const { records, backend } = this.#parts
    const scheduler = objectRefs(entry).find((ref) => ref.workerName === null)
    const log = await this.#logTail(entry)
    if (scheduler !== undefined) await this.#keepLog(entry, scheduler)
    await backend.cleanUp(entry.cluster, this.#signal())
    await records.change(entry.cluster.name, ({ cluster }) => {
      const status = cluster.target === 'failed' ? 'failed' : 'stopped'
      const reason =
        cluster.reason ?? (status === 'failed' ? 'The cluster failed' : 'The cluster was stopped')
      return {
        cluster: { ...cluster, status, target: status, reason, stopTime: Date.now() },
        events: [
          {
            kind: `cluster-${status}`,
            message: reason,
            details: status === 'failed' ? { log_tail: log } : {},
          },
        ],
      }
    })
    entry.facts = { ...entry.facts, attempts: new Map(), lastError: null }
  }

  /** The last lines of the scheduler's log, for its owner; none when it cannot be read now. */
  async #logTail(entry: Entry): Promise<readonly string[]> {
    const ref = objectRefs(entry).find((each) => each.workerName === null)
    if (ref === undefined || ref.handle === null) return []
    try {
      const log = await this.#parts.backend.logs(entry.cluster, ref, 16 << 10, this.#signal())
      return (log?.toString('utf8') ?? '').trimEnd().split('\n').slice(-logTailLines)
    } catch (error) {
      this.#parts.logger.warn('A log could not be read', { cluster: entry.cluster.name, error })
      return []
    }
  }

  /** Keeps the end of a log that is about to be removed; a log that cannot be read holds nothing up. */
  async #keepLog(entry: Entry, ref: ObjectRef): Promise<void> {
    const { backend, logArchive, logger } = this.#parts
    try {
      const log = await backend.logs(entry.cluster, ref, keptLogBytes, this.#signal())
      if (log !== null) await logArchive.put(ref.clusterName, ref.workerName ?? 'scheduler', log)
    } catch (error) {
      logger.warn('A log could not be kept', { cluster: ref.clusterName, error })
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(backendLimitMs)])
  }
}

function newAttempt(): Attempt {
  return { id: randomHex(8), createdAt: Date.now(), handle: null, runningSince: null }
}

/** The workers that an answer of the backend changes. */
function withOutcomes(
  workers: Iterable<Worker>,
  outcomes: ReadonlyMap<string, StartOutcome>,
): Worker[] {
  const changed: Worker[] = []
  for (const worker of workers) {
    const outcome = worker.attempt === null ? undefined : outcomes.get(worker.attempt.id)
    if (outcome === undefined || worker.attempt === null || isFinal(worker.status)) continue
    if (outcome.outcome === 'started') {
      const status = worker.status === 'created' ? 'submitted' : worker.status
      changed.push({ ...worker, status, attempt: { ...worker.attempt, handle: outcome.handle } })
    } else {
      const { reason } = outcome
      changed.push({ ...worker, status: 'failed', target: 'failed', reason, stopTime: Date.now() })
    }
  }
  return changed
}

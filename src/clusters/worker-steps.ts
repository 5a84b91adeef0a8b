import type { Worker } from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { withOutcomes } from './attempt-steps.ts'
import { keepLogs, lastLines } from './logs.ts'
import { type Entry, objectRefs } from './records.ts'
import { roomAfter } from './room.ts'
import type { Step, WorkerEnd } from './situation.ts'
import { newAttempt, type StepContext } from './step-context.ts'

/** Records workers that are wanted, as many as there is room for in the quotas: this takes it. */
export function addWorkers(context: StepContext, entry: Entry, wanted: number): Promise<void> {
  const { records, quotas } = context
  return records.change(entry.cluster.name, ({ cluster }) => {
    const count = Math.min(wanted, quotas.roomForWorkers(cluster).workers)
    return count === 0 ? null : { workers: newWorkers(cluster.name, count) }
  })
}

function newWorkers(clusterName: string, count: number): readonly Worker[] {
  return Array.from({ length: count }, (): Worker => {
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
}

/** Records an attempt for each, asks the backend for all at once, records the answers. */
export async function startWorkers(
  context: StepContext,
  entry: Entry,
  workers: readonly Worker[],
): Promise<void> {
  const { records, backend } = context
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
  const outcomes = await backend.startWorkers(entry.cluster, starts, context.signal())
  const now = performance.now()
  for (const [attemptId, { outcome }] of outcomes)
    if (outcome === 'started') records.learn(entry, attemptId, { notRunningAt: now })
  const later = [...outcomes.values()].find((each) => each.outcome === 'later')
  const again = now + context.limitsOf(entry.cluster).roomAgain
  const room = roomAfter(entry.facts.room, later === undefined, again)
  entry.facts = { ...entry.facts, room }
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
        ...changed.flatMap((worker) =>
          worker.status === 'failed'
            ? { kind: 'worker-failed', message: worker.reason ?? 'Refused', worker: worker.name }
            : worker.attempt === null
              ? []
              : { kind: 'worker-started', message: 'The worker was started', worker: worker.name },
        ),
        ...[...notes].map((message) => ({ kind: 'note', message })),
      ],
    }
  })
  if (later === undefined) entry.told.delete('no room')
  else
    await records.tell(name, 'no room', {
      kind: 'workers-pending',
      message: `Some workers wait until there is room. ${later.reason}`,
    })
}

/** Records that these are to end. */
export function retireWorkers(
  context: StepContext,
  entry: Entry,
  step: Extract<Step, { do: 'retire-workers' }>,
): Promise<void> {
  const names = new Set(step.workers.map((worker) => worker.name))
  return context.records.change(entry.cluster.name, ({ cluster, workers }) => {
    const retired = [...workers.values()]
      // One that has connected meanwhile stays.
      .filter(
        (worker) =>
          names.has(worker.name) && worker.status !== 'running' && worker.target === 'running',
      )
      .map((worker) => ({ ...worker, target: step.target, reason: step.reason }))
    const workerStartFailures = cluster.workerStartFailures + retired.length
    return {
      workers: retired,
      ...(step.startFailures ? { cluster: { ...cluster, workerStartFailures } } : {}),
    }
  })
}

/** Records that these have ended, and keeps their logs. */
export async function endWorkers(
  context: StepContext,
  entry: Entry,
  ends: readonly WorkerEnd[],
): Promise<void> {
  const refs = new Map(objectRefs(entry).map((ref) => [ref.workerName, ref]))
  const tails = new Map<string, readonly string[]>()
  const failed = new Set(
    ends.flatMap(({ worker, status }) => (status === 'failed' ? worker.name : [])),
  )
  const begun = ends.filter(({ worker }) => worker.attempt?.handle != null)
  await keepLogs(
    context,
    entry,
    begun.flatMap(({ worker }) => refs.get(worker.name) ?? []),
    ({ workerName }, log) => {
      if (workerName !== null && failed.has(workerName) && tails.size < mostTails)
        tails.set(workerName, lastLines(log))
    },
  )
  const failures = ends.filter((end) => end.startFailure).length
  await context.records.change(entry.cluster.name, ({ cluster, workers }) => ({
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
      details: tails.has(worker.name) ? { log_tail: tails.get(worker.name) ?? [] } : {},
    })),
  }))
}

/** Of many that fail at once, most do for one reason. */
const mostTails = 10

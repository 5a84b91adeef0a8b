import { isFinal, type StartOutcome, type Worker, type WorkerOutcome } from '../core/index.ts'
import { type Entry, objectRefs } from './records.ts'
import type { StepContext } from './step-context.ts'

/** Asks what became of attempts without an answer; one is absent when two answers far enough apart miss it. */
export async function find(
  context: StepContext,
  entry: Entry,
  attemptIds: ReadonlySet<string>,
): Promise<void> {
  const { records, backend, limitsOf } = context
  const refs = objectRefs(entry).filter((ref) => attemptIds.has(ref.attemptId))
  const found = await backend.find(refs, context.signal())
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

/** Asks for their end. That it was asked is no record: after a crash it is asked again. */
export async function stopObjects(
  context: StepContext,
  entry: Entry,
  attemptIds: ReadonlySet<string>,
): Promise<void> {
  const { records, backend } = context
  const refs = objectRefs(entry).filter((ref) => attemptIds.has(ref.attemptId))
  await backend.stopObjects(entry.cluster, refs, context.signal())
  for (const { attemptId } of refs)
    records.learn(entry, attemptId, { stopAskedAt: performance.now() })
}

/** The workers that an answer of the backend changes. */
export function withOutcomes(
  workers: Iterable<Worker>,
  outcomes: ReadonlyMap<string, WorkerOutcome>,
): Worker[] {
  const changed: Worker[] = []
  for (const worker of workers) {
    const outcome = worker.attempt === null ? undefined : outcomes.get(worker.attempt.id)
    if (outcome === undefined || worker.attempt === null || isFinal(worker.status)) continue
    if (outcome.outcome === 'started') {
      const status = worker.status === 'created' ? 'submitted' : worker.status
      changed.push({ ...worker, status, attempt: { ...worker.attempt, handle: outcome.handle } })
    } else if (outcome.outcome === 'later') changed.push({ ...worker, attempt: null })
    else {
      const { reason } = outcome
      changed.push({ ...worker, status: 'failed', target: 'failed', reason, stopTime: Date.now() })
    }
  }
  return changed
}

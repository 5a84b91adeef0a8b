import { isFinal } from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { durationText } from './life.ts'
import { keepLogs, logTail } from './logs.ts'
import { type Entry, objectRefs, routeOf } from './records.ts'
import type { Step } from './situation.ts'
import { newAttempt, type StepContext } from './step-context.ts'

const acknowledgeLimitMs = 2000

/** Records that it waits for no quota any more, if there still is room: this takes it. */
export function admit({ records, quotas }: StepContext, entry: Entry): Promise<void> {
  return records.change(entry.cluster.name, ({ cluster }) =>
    cluster.target !== 'running' || cluster.queued === null || quotas.waitsFor(cluster) !== null
      ? null
      : {
          cluster: { ...cluster, queued: null },
          events: [{ kind: 'quota-admitted', message: 'There is room in the quotas: it starts' }],
        },
  )
}

/** Records a new attempt with a token of its own, then asks the backend, then records the answer. */
export async function startScheduler(context: StepContext, entry: Entry): Promise<void> {
  const { records, backend } = context
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
  const outcome = await backend.startScheduler(entry.cluster, context.signal())
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
      cluster: {
        ...cluster,
        status,
        attempt: { ...(cluster.attempt ?? attempt), handle: outcome.handle },
      },
      events: [
        { kind: 'scheduler-started', message: 'The scheduler was started' },
        ...(outcome.notes ?? []).map((message) => ({ kind: 'note', message })),
      ],
    }
  })
}

/** Gives the proxies the route, and lets users see RUNNING when they have it, or soon after. */
export async function publish(context: StepContext, entry: Entry): Promise<void> {
  const { records, routes } = context
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

/** Warns its owner that it will end soon. */
export async function warnOfEnd(
  { records }: StepContext,
  entry: Entry,
  step: Extract<Step, { do: 'warn-of-end' }>,
): Promise<void> {
  const message = `The cluster ends in ${durationText(Math.round(step.inMs / 1000))}: ${step.reason}`
  await records.change(entry.cluster.name, ({ cluster }) => ({
    ...(step.of === 'lifetime' ? { cluster: { ...cluster, endAge: step.endAge } } : {}),
    events: [{ kind: 'cluster-ending', message, details: { in_seconds: step.inMs / 1000 } }],
  }))
  if (step.of === 'clients') entry.facts = { ...entry.facts, clientWarnedAt: performance.now() }
}

/** Records that the cluster is to end, as its life is over. */
export function end({ records }: StepContext, entry: Entry, reason: string): Promise<void> {
  return records.change(entry.cluster.name, ({ cluster }) =>
    cluster.target !== 'running'
      ? null
      : {
          cluster: { ...cluster, target: 'stopped', reason },
          events: [{ kind: 'stop-requested', message: reason }],
        },
  )
}

/** Records that the cluster is to end, and why, with the last lines of its log. */
export async function fail(context: StepContext, entry: Entry, reason: string): Promise<void> {
  const log = await logTail(context, entry)
  await context.records.change(entry.cluster.name, ({ cluster }) =>
    cluster.target !== 'running'
      ? null
      : {
          cluster: { ...cluster, target: 'failed', reason },
          events: [{ kind: 'cluster-failing', message: reason, details: { log_tail: log } }],
        },
  )
}

/** Takes the route away and records that everything of the cluster is to end. */
export async function close(context: StepContext, entry: Entry): Promise<void> {
  const { records, routes } = context
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

/** Everything has ended: keeps the log, removes what is left outside, records the end. */
export async function finish(context: StepContext, entry: Entry): Promise<void> {
  const { records, backend } = context
  const scheduler = objectRefs(entry).find((ref) => ref.workerName === null)
  const log = await logTail(context, entry)
  if (scheduler !== undefined) await keepLogs(context, entry, [scheduler])
  await writeEnd(context, entry)
  const left = await backend.cleanUp(entry.cluster, context.signal())
  await records.change(entry.cluster.name, ({ cluster }) => {
    const status = cluster.target === 'failed' ? 'failed' : 'stopped'
    const reason =
      cluster.reason ?? (status === 'failed' ? 'The cluster failed' : 'The cluster was stopped')
    return {
      cluster: { ...cluster, status, target: status, reason, stopTime: Date.now() },
      events: [
        ...left.map((message) => ({ kind: 'note', message })),
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

/** When the scheduler ended may be known by what is about to be removed alone. */
function writeEnd({ records }: StepContext, { cluster: { name }, facts }: Entry): Promise<void> {
  return records.change(name, ({ cluster }) => {
    const { attempt } = cluster
    const goneAt = attempt === null ? null : (facts.attempts.get(attempt.id)?.goneAt ?? null)
    if (attempt === null || goneAt === null || attempt.endedAt !== undefined) return null
    return { cluster: { ...cluster, attempt: { ...attempt, endedAt: goneAt } } }
  })
}

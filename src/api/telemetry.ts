import { Counter, Histogram, type Registry } from 'prom-client'
import {
  type Attempt,
  backendCalls,
  type Change,
  isFinal,
  type Status,
  type Telemetry,
} from '../core/index.ts'
import { steadyNow } from '../util/index.ts'

const kinds = ['scheduler', 'worker'] as const
type Kind = (typeof kinds)[number]

/** From a wait of a moment to one of a day. */
const startBuckets = [0.5, 1, 2, 5, 10, 20, 60, 300, 1800, 7200, 28_800]
const callBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** Figures of what happens inside: how clusters start and end, and how the reconciler, the backend and the records do. */
export function createTelemetry(registers: Registry[]): Telemetry {
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) =>
    new Histogram<L>({
      name: `dask_gateway_${name}`,
      ...{ help, labelNames: [...labelNames], buckets, registers },
    })
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({
      name: `dask_gateway_${name}`,
      ...{ help, labelNames: [...labelNames], registers },
    })
  const queueWaits = histogram(
    'queue_wait_seconds',
    'Seconds from a request to the backend until what it started ran, as the backend tells.',
    ['kind'],
    startBuckets,
  )
  const starts = histogram(
    'start_latency_seconds',
    'Seconds from when a scheduler or worker ran until it was heard of: its first heartbeat, its connection to the scheduler.',
    ['kind'],
    startBuckets,
  )
  const ends = counter('ends_total', 'Schedulers and workers that ended, by how.', [
    'kind',
    'outcome',
  ])
  const steps = histogram(
    'reconciler_step_seconds',
    'Seconds that the steps of clusters took; those that failed are repeated.',
    ['step', 'outcome'],
    callBuckets,
  )
  const lag = histogram(
    'reconciler_wait_seconds',
    'Seconds from when a cluster was to be looked at until it was.',
    [],
    callBuckets,
  )
  const calls = histogram(
    'backend_call_seconds',
    'Seconds that calls of the backend took.',
    ['call', 'outcome'],
    callBuckets,
  )
  const commits = histogram(
    'store_commit_seconds',
    'Seconds until a change of clusters was durable.',
    [],
    callBuckets,
  )
  const commitFailures = counter(
    'store_commit_failures_total',
    'Changes of clusters that could not be written.',
    [],
  )
  for (const kind of kinds) {
    queueWaits.zero({ kind })
    starts.zero({ kind })
    for (const outcome of ['stopped', 'failed']) ends.inc({ kind, outcome }, 0)
  }
  for (const call of backendCalls) calls.zero({ call, outcome: 'ok' })

  function record(kind: Kind, status: Status, attempt: Attempt | null, begins: boolean): void {
    if (isFinal(status)) ends.inc({ kind, outcome: status })
    if (!begins || attempt === null || attempt.runningSince === null) return
    queueWaits.observe({ kind }, seconds(attempt.runningSince - attempt.createdAt))
    starts.observe({ kind }, seconds(steadyNow() - attempt.runningSince))
  }

  return {
    committed(changes, took) {
      commits.observe(took)
      const isReady = changes.some((change) => eventKind(change) === 'scheduler-ready')
      const connected = new Set(
        changes.flatMap((change) =>
          eventKind(change) === 'worker-connected' && 'put' in change && change.put === 'event'
            ? [change.event.worker]
            : [],
        ),
      )
      for (const change of changes) {
        if (!('put' in change)) continue
        if (change.put === 'cluster')
          record('scheduler', change.cluster.status, change.cluster.attempt, isReady)
        if (change.put === 'worker') {
          const { status, attempt, name } = change.worker
          record('worker', status, attempt, connected.has(name))
        }
      }
    },
    commitFailed: () => commitFailures.inc(),
    backendCalled: (call, failed, took) => calls.observe({ call, outcome: word(failed) }, took),
    stepped: (step, failed, took) => steps.observe({ step, outcome: word(failed) }, took),
    waited: (took) => lag.observe(took),
  }
}

function eventKind(change: Change): string | null {
  return 'put' in change && change.put === 'event' ? change.event.kind : null
}

function word(failed: boolean): 'ok' | 'failed' {
  return failed ? 'failed' : 'ok'
}

/** The clock may have been set meanwhile. */
function seconds(ms: number): number {
  return Math.max(0, ms) / 1000
}

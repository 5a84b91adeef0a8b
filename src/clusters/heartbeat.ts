import { type Cluster, isFinal, type SchedulerAddresses, type Worker } from '../core/index.ts'
import type { Heartbeat } from './cluster-service.ts'
import { workerLimit } from './limits.ts'
import type { Changed, NewEvent } from './records.ts'

/** Why a worker failed, as far as its scheduler knows. */
export const leftUnexpectedly = 'Left the scheduler unexpectedly'

/**
 * What a heartbeat changes in the records; null: nothing (most of them). Pure, and linear in the lists, whose
 * `closed_workers` only grows.
 */
export function applyHeartbeat(
  cluster: Cluster,
  workers: Iterable<Worker>,
  heartbeat: Heartbeat,
  addresses: SchedulerAddresses,
  calendar: number,
): Changed | null {
  const events: NewEvent[] = []
  const changedWorkers = changesOfWorkers(workers, heartbeat, events)
  const connected = changedWorkers.some((worker) => worker.status === 'running')
  const first = cluster.status !== 'running'
  const moved =
    cluster.addresses === null ||
    cluster.addresses.scheduler !== addresses.scheduler ||
    cluster.addresses.dashboard !== addresses.dashboard ||
    cluster.addresses.api !== addresses.api
  const count = Math.min(heartbeat.count, workerLimit(cluster.settings))
  const failures = connected ? 0 : cluster.workerStartFailures
  const same =
    !first &&
    !moved &&
    cluster.readyTime !== null &&
    count === cluster.count &&
    failures === cluster.workerStartFailures
  if (same && changedWorkers.length === 0) return null
  if (first)
    events.unshift({ kind: 'scheduler-ready', message: 'The scheduler sent its first heartbeat' })
  return {
    ...(same
      ? {}
      : {
          cluster: {
            ...cluster,
            status: 'running',
            readyTime: cluster.readyTime ?? calendar,
            addresses: moved ? addresses : cluster.addresses,
            count,
            workerStartFailures: failures,
          } as const,
        }),
    workers: changedWorkers,
    events,
  }
}

function changesOfWorkers(
  workers: Iterable<Worker>,
  heartbeat: Heartbeat,
  events: NewEvent[],
): Worker[] {
  const active = new Set(heartbeat.activeWorkers)
  const closing = new Set(heartbeat.closingWorkers)
  const closed = new Set(heartbeat.closedWorkers)
  const changed: Worker[] = []
  for (const worker of workers) {
    if (isFinal(worker.status)) continue
    const after = workerAfter(
      worker,
      active.has(worker.name),
      closing.has(worker.name),
      closed.has(worker.name),
    )
    if (after === worker) continue
    changed.push(after)
    if (after.status === 'running' && worker.status !== 'running')
      events.push({
        kind: 'worker-connected',
        message: 'Connected to the scheduler',
        worker: worker.name,
      })
  }
  return changed
}

function workerAfter(worker: Worker, active: boolean, closing: boolean, closed: boolean): Worker {
  if (active || closing) {
    const endExpected = worker.endExpected || closing
    if (worker.status === 'running' && endExpected === worker.endExpected) return worker
    return { ...worker, status: 'running', endExpected }
  }
  if (!closed || worker.target !== 'running') return worker
  return worker.endExpected
    ? { ...worker, target: 'stopped', reason: 'Retired by the scheduler' }
    : { ...worker, target: 'failed', reason: leftUnexpectedly }
}

import type { Status } from '../core/index.ts'
import type { ClusterDetails } from './cluster-service.ts'
import { comingEndOf } from './life-of.ts'
import type { Entry } from './records.ts'
import { shownStatus } from './shown-status.ts'

/** All that people may see of a cluster's state. */
export function detailsOf(entry: Entry): ClusterDetails {
  const { cluster } = entry
  const { settings } = cluster
  const workers = countByStatus(entry)
  const hasScheduler = cluster.status === 'running' || cluster.status === 'closing'
  const working = workers.running + workers.closing
  return {
    cluster,
    shown: shownStatus(entry),
    pendingReason: pendingReason(entry),
    clients: clientCount(entry),
    end: comingEndOf(entry),
    workers,
    cores: working * settings.worker_cores + (hasScheduler ? settings.scheduler_cores : 0),
    memoryBytes: working * settings.worker_memory + (hasScheduler ? settings.scheduler_memory : 0),
  }
}

function clientCount(entry: Entry): number | null {
  const clients = entry.clients()
  if (clients.state === 'unknown') return null
  return clients.state === 'none' ? 0 : clients.count
}

function countByStatus({ workers }: Entry): Record<Status, number> {
  const counts = { created: 0, submitted: 0, running: 0, closing: 0, stopped: 0, failed: 0 }
  for (const { status } of workers.values()) counts[status] += 1
  return counts
}

/** What a cluster waits for, in words; the queue's own where it gives some. */
function pendingReason(entry: Entry): string | null {
  if (shownStatus(entry) !== 'PENDING') return null
  const { cluster, facts } = entry
  if (cluster.queued !== null) return facts.quotaWait ?? 'Waits for quota'
  if (cluster.status === 'running') return 'The proxies are told the way to the scheduler'
  const { attempt } = cluster
  const seen = attempt === null ? null : (facts.attempts.get(attempt.id)?.observation ?? null)
  if (seen?.state === 'pending') return seen.reason ?? 'It waits in the queue'
  if (seen?.state === 'running') return 'The scheduler starts'
  if (facts.lastError !== null) return `It is tried again: ${facts.lastError}`
  return attempt === null || attempt.handle === null
    ? 'The scheduler is about to be started'
    : 'The scheduler starts'
}

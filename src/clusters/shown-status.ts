import type { ClusterView, ShownStatus } from './cluster-service.ts'
import type { Entry } from './records.ts'

/** The status that users see. */
export function shownStatus({ cluster, facts }: Pick<Entry, 'cluster' | 'facts'>): ShownStatus {
  if (cluster.status === 'stopped') return 'STOPPED'
  if (cluster.status === 'failed') return 'FAILED'
  if (cluster.target !== 'running' || cluster.status === 'closing') return 'STOPPING'
  return cluster.status === 'running' && facts.published ? 'RUNNING' : 'PENDING'
}

export function viewOf(entry: Entry): ClusterView {
  return { cluster: entry.cluster, shown: shownStatus(entry) }
}

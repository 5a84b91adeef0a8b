import type { Change } from '../core/index.ts'
import { type Query, query } from './query.ts'

/** The statements of a change that removes. */
export function removal(change: Extract<Change, { remove: string }>): readonly Query[] {
  const { clusterName } = change
  if (change.remove === 'cluster')
    return [query.deleteFrom('cluster').where('name', '=', clusterName)]
  const events = query.deleteFrom('event').where('cluster_name', '=', clusterName)
  if (change.remove === 'old-events') {
    const oldest = query
      .selectFrom('event')
      .select('id')
      .where('cluster_name', '=', clusterName)
      .orderBy('id', 'desc')
      .limit(1)
      .offset(change.keep)
    return [events.where('id', '<=', oldest)]
  }
  const { workerName } = change
  return [
    events.where('worker', '=', workerName),
    query
      .deleteFrom('worker')
      .where('cluster_name', '=', clusterName)
      .where('name', '=', workerName),
  ]
}

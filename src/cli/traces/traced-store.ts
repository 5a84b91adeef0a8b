import type { Context } from '@opentelemetry/api'
import type { Change, ClusterStore } from '../../core/index.ts'
import { withMethods } from '../with-methods.ts'
import type { ClusterStarts } from './cluster-starts.ts'

/** The store, whose writes tell `starts` of what has happened to clusters. */
export function tracedStore<S extends ClusterStore>(
  store: S,
  starts: ClusterStarts,
  now: () => Context,
): S {
  return withMethods(store, {
    async commit(changes: readonly Change[]) {
      await store.commit(changes)
      const puts = changes.filter((change) => 'put' in change)
      const created = puts.some(
        (change) => change.put === 'event' && change.event.kind === 'cluster-created',
      )
      for (const change of puts) {
        if (change.put === 'cluster' && created) starts.created(change.cluster, now())
        if (change.put === 'event') starts.happened(change.event.clusterName, change.event.kind)
      }
    },
  })
}

import type { Transaction } from 'kysely'
import type { Change } from '../core/index.ts'
import type { Schema } from './schema.ts'

/** Carries out a change that removes. */
export async function remove(
  transaction: Transaction<Schema>,
  change: Extract<Change, { remove: string }>,
): Promise<void> {
  if (change.remove === 'cluster') {
    await transaction
      .deleteFrom('cluster')
      .where('name', '=', change.clusterName)
      .executeTakeFirst()
    return
  }
  if (change.remove === 'old-events') {
    const { clusterName, keep } = change
    await transaction
      .deleteFrom('event')
      .where('cluster_name', '=', clusterName)
      .where('id', '<=', (events) =>
        events
          .selectFrom('event')
          .select('id')
          .where('cluster_name', '=', clusterName)
          .orderBy('id', 'desc')
          .limit(1)
          .offset(keep),
      )
      .executeTakeFirst()
    return
  }
  const { clusterName, workerName } = change
  await transaction
    .deleteFrom('event')
    .where('cluster_name', '=', clusterName)
    .where('worker', '=', workerName)
    .executeTakeFirst()
  await transaction
    .deleteFrom('worker')
    .where('cluster_name', '=', clusterName)
    .where('name', '=', workerName)
    .executeTakeFirst()
}

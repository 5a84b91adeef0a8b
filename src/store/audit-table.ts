import type { Kysely } from 'kysely'
import type { AuditEvent, AuditQuery } from '../core/index.ts'
import type { Schema } from './schema.ts'

const keptEvents = 100_000
const removeEvery = 1000

/** Adds events, and now and again removes those that are too many. */
export async function addAuditRows(
  database: Kysely<Schema>,
  events: readonly Omit<AuditEvent, 'id'>[],
): Promise<void> {
  let firstId = 0
  let lastId = 0
  for (const { user, cluster, ...rest } of events) {
    const { insertId } = await database
      .insertInto('audit')
      .values({ ...rest, username: user, cluster_name: cluster })
      .executeTakeFirstOrThrow()
    lastId = Number(insertId)
    firstId ||= lastId
  }
  if (Math.floor(firstId / removeEvery) < Math.floor((lastId + 1) / removeEvery))
    await database
      .deleteFrom('audit')
      .where('id', '<=', lastId - keptEvents)
      .executeTakeFirst()
}

/** By `after` the oldest first, else the newest first. */
export async function auditRows(
  database: Kysely<Schema>,
  { after, before, limit, user, cluster }: AuditQuery,
): Promise<readonly AuditEvent[]> {
  let query = database
    .selectFrom('audit')
    .selectAll()
    .orderBy('id', after === null ? 'desc' : 'asc')
    .limit(limit)
  if (after !== null) query = query.where('id', '>', after)
  if (before !== null) query = query.where('id', '<', before)
  if (user !== null) query = query.where('username', '=', user)
  if (cluster !== null) query = query.where('cluster_name', '=', cluster)
  const rows = await query.execute()
  return rows.map(({ username, cluster_name, ...rest }) => ({
    ...rest,
    user: username,
    cluster: cluster_name,
  }))
}

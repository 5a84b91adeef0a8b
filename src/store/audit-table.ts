import type { Compilable } from 'kysely'
import type { AuditEvent, AuditQuery } from '../core/index.ts'
import { type Query, query } from './query.ts'
import type { AuditRow } from './schema.ts'

const keptEvents = 100_000

/** Adds events and removes those that are too many. */
export function addedAudit(events: readonly Omit<AuditEvent, 'id'>[]): readonly Query[] {
  const added = events.map(({ user, cluster, ...rest }) =>
    query.insertInto('audit').values({ ...rest, username: user, cluster_name: cluster }),
  )
  const newest = query.selectFrom('audit').select((row) => row.fn.max('id').as('id'))
  const isOld = query
    .deleteFrom('audit')
    .where('id', '<=', (row) => row(newest, '-', row.lit(keptEvents)))
  return [...added, isOld]
}

/** By `after` the oldest first, else the newest first. */
export function auditQuery({
  after,
  before,
  limit,
  user,
  cluster,
}: AuditQuery): Compilable<Selected> {
  let asked = query
    .selectFrom('audit')
    .selectAll()
    .orderBy('id', after === null ? 'desc' : 'asc')
    .limit(limit)
  if (after !== null) asked = asked.where('id', '>', after)
  if (before !== null) asked = asked.where('id', '<', before)
  if (user !== null) asked = asked.where('username', '=', user)
  if (cluster !== null) asked = asked.where('cluster_name', '=', cluster)
  return asked
}

type Selected = Omit<AuditRow, 'id'> & { readonly id: number }

export function auditFromRow({ username, cluster_name, ...rest }: Selected): AuditEvent {
  return { ...rest, user: username, cluster: cluster_name }
}

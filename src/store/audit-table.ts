import { type Compilable, CompiledQuery } from 'kysely'
import type { AuditEvent, AuditQuery } from '../core/index.ts'
import { type Query, query } from './query.ts'
import type { AuditRow } from './schema.ts'

/** Adds events. */
export function addedAudit(events: readonly Omit<AuditEvent, 'id'>[]): readonly Query[] {
  return events.map(({ user, cluster, ...rest }) =>
    query.insertInto('audit').values({ ...rest, username: user, cluster_name: cluster }),
  )
}

/** The table's triggers let nothing be removed above `audit_forgotten`, which only grows. */
export function forgottenAudit({
  keep,
  before,
}: {
  readonly keep: number
  readonly before: number | null
}): readonly Query[] {
  const isOld = CompiledQuery.raw(marking, [keep, before, before])
  const remove = CompiledQuery.raw(removal, [])
  return [isOld, remove]
}

// Times may go back and forth with the clock: of those that look old only what lies before all that do not.
const marking = `update instance set audit_forgotten = max(audit_forgotten,
  coalesce((select max(id) from audit), 0) - ?,
  case when ? is null then 0 else
    coalesce((select min(id) from audit where time >= ?), (select max(id) from audit) + 1, 1) - 1 end)`
const removal = 'delete from audit where id <= (select audit_forgotten from instance)'

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

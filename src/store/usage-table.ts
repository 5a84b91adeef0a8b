import { CompiledQuery } from 'kysely'
import * as z from 'zod'
import { type DayUsage, GatewayError, type UsageQuery } from '../core/index.ts'
import { compareTexts } from '../util/index.ts'
import { type Query, query } from './query.ts'
import { jsonText } from './rows.ts'

/** What users choose as labels makes an account each. Beyond so many of one user, their usage is kept without labels. */
const maxAccountsOfUser = 1000
const maxRows = 100_000

/** Adds what has ended to its day and account, which is made when it is the first. */
export function addedUsage(usage: DayUsage): readonly Query[] {
  const { day, username, clusterMs, workerMs, coreMs, memoryByteMs } = usage
  // In one order, so that the same are one account.
  const groups = JSON.stringify([...new Set(usage.groups)].sort())
  const sorted = Object.entries(usage.labels).sort(([a], [b]) => compareTexts(a, b))
  const labels = JSON.stringify(Object.fromEntries(sorted))
  const account = [username, groups, labels]
  const amounts = [clusterMs, workerMs, coreMs, memoryByteMs]
  return [
    CompiledQuery.raw(newAccount, [...account, username]),
    CompiledQuery.raw(accountWithoutLabels, [username, groups, ...account]),
    CompiledQuery.raw(addition, [day, ...amounts, ...account]),
  ]
}

const newAccount = `insert into usage_account (username, groups, labels)
  select ?, ?, ? where (select count(*) from usage_account where username = ?) < ${maxAccountsOfUser}
  on conflict do nothing`
const accountWithoutLabels = `insert into usage_account (username, groups, labels)
  select ?, ?, '{}' where not exists (select 1 from usage_account where username = ? and groups = ? and labels = ?)
  on conflict do nothing`
const addition = `insert into usage (day, account, cluster_ms, worker_ms, core_ms, memory_byte_ms)
  select ?, (select id from usage_account where username = a and groups = b and labels in (c, '{}') order by labels = '{}' limit 1),
  ?, ?, ?, ? from (select ? as a, ? as b, ? as c) where true
  on conflict (day, account) do update set cluster_ms = cluster_ms + excluded.cluster_ms,
  worker_ms = worker_ms + excluded.worker_ms, core_ms = core_ms + excluded.core_ms,
  memory_byte_ms = memory_byte_ms + excluded.memory_byte_ms`

/** Summed up by the database as far as the query's keys allow. */
export function usageQuery({ from, to, username, by }: UsageQuery): Query {
  const day = by.has('day')
    ? 'usage.day'
    : by.has('month')
      ? "substr(usage.day, 1, 7) || '-01'"
      : "''"
  const text = `select ${day} as day, ${by.has('user') ? 'username' : "''"} as username,
    ${by.has('group') ? 'groups' : "'[]'"} as groups, ${by.has('label') ? 'labels' : "'{}'"} as labels,
    sum(cluster_ms) as clusterMs, sum(worker_ms) as workerMs, sum(core_ms) as coreMs, sum(memory_byte_ms) as memoryByteMs
    from usage join usage_account on usage_account.id = usage.account
    where day >= ? and day <= ? ${username === null ? '' : 'and username = ?'} group by 1, 2, 3, 4 limit ${maxRows + 1}`
  return CompiledQuery.raw(text, username === null ? [from, to] : [from, to, username])
}

/** Throws 'invalid' when they are too many. */
export function usageFromRows(rows: readonly unknown[], { from }: UsageQuery): readonly DayUsage[] {
  if (rows.length > maxRows)
    throw new GatewayError(
      'invalid',
      `That is more than ${maxRows} sums: ask for fewer days, or by fewer of day, month, user, group and label`,
    )
  return rows.map((row) => {
    const usage = usageRow.parse(row)
    return usage.day === '' ? { ...usage, day: from } : usage
  })
}

const usageRow = z.object({
  day: z.string(),
  username: z.string(),
  groups: jsonText(z.array(z.string())),
  labels: jsonText(z.record(z.string(), z.string())),
  clusterMs: z.number(),
  workerMs: z.number(),
  coreMs: z.number(),
  memoryByteMs: z.number(),
})

/** With the accounts that have nothing left. */
export function removedUsage(before: string): readonly Query[] {
  return [
    query.deleteFrom('usage').where('day', '<', before),
    query
      .deleteFrom('usage_account')
      .where('id', 'not in', (rows) => rows.selectFrom('usage').select('account')),
  ]
}

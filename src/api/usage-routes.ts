import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  dayOf,
  GatewayError,
  type UsageKey,
  type UsageQuery,
  type UsageSum,
  usageKeys,
} from '../core/index.ts'
import { csvText } from './csv.ts'
import { adminRoute, queryOf, type RouteContext, userRoute } from './route-context.ts'

/** What clusters used: one's own, and everybody's for administrators. */
export function addUsageRoutes(context: RouteContext): void {
  userRoute(context, 'GET', '/api/v1/usage', ({ name }, request, reply) =>
    answer(context, queryIn(request, name, ['day']), request, reply),
  )
  adminRoute(context, 'GET', '/api/v1/admin/usage', (_admin, request, reply) =>
    answer(context, queryIn(request, queryOf(request, 'user'), ['user']), request, reply),
  )
}

async function answer(
  { service }: RouteContext,
  query: UsageQuery,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const format = queryOf(request, 'format') ?? 'json'
  if (format !== 'json' && format !== 'csv')
    throw new GatewayError('invalid', 'format must be json or csv')
  const { from, to, by } = query
  const rows = (await service.usage(query)).map(usageReport)
  if (format === 'json') return { from, to, by: [...by], usage: rows }
  const columns = [...by, ...amounts] as const
  const cells = rows.map((row) => columns.map((column) => row[column]))
  await reply
    .header('content-type', 'text/csv; charset=utf-8; header=present')
    .header('content-disposition', `attachment; filename="usage-${from}-${to}.csv"`)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .send(csvText(columns, cells))
  return undefined
}

const amounts = [
  'cluster_seconds',
  'worker_seconds',
  'core_seconds',
  'memory_byte_seconds',
] as const

function usageReport({ day, month, user, group, label, ...used }: UsageSum) {
  return {
    ...{ day, month, user, group, label },
    cluster_seconds: used.clusterMs / 1000,
    worker_seconds: used.workerMs / 1000,
    core_seconds: used.coreMs / 1000,
    memory_byte_seconds: Math.round(used.memoryByteMs / 1000),
  }
}

/** Without days: this month until today. Throws 'invalid'. */
function queryIn(
  request: FastifyRequest,
  username: string | null,
  usually: readonly UsageKey[],
): UsageQuery {
  const today = dayOf(Date.now())
  const to = dayIn('to', queryOf(request, 'to')) ?? today
  const from = dayIn('from', queryOf(request, 'from')) ?? `${to.slice(0, 7)}-01`
  if (from > to) throw new GatewayError('invalid', `from (${from}) must not be after to (${to})`)
  return { from, to, username, by: keysIn(queryOf(request, 'by')) ?? new Set(usually) }
}

function dayIn(name: string, value: string | null): string | null {
  if (value === null) return null
  const time = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN
  // 30 February is taken for a day in March.
  if (!Number.isNaN(time) && dayOf(time) === value) return value
  throw new GatewayError('invalid', `${name} must be a day such as 2026-01-31`)
}

function keysIn(value: string | null): ReadonlySet<UsageKey> | null {
  if (value === null) return null
  const named = value.split(',').map((word) => {
    const key = usageKeys.find((each) => each === word)
    if (key !== undefined) return key
    throw new GatewayError(
      'invalid',
      `by must be of ${usageKeys.join(', ')}, with commas between them`,
    )
  })
  // Their order is that of the columns.
  return new Set(usageKeys.filter((key) => named.includes(key)))
}

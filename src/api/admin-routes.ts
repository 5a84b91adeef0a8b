import { type AuditEvent, GatewayError, type User } from '../core/index.ts'
import { adminDashboardRoute, clusterInfo } from './cluster-info.ts'
import {
  type EventSource,
  type EventStreams,
  lastEventId,
  type ServerEvent,
} from './event-streams.ts'
import { clusterPage, searchOf } from './find-clusters.ts'
import { historyHandlers } from './history-routes.ts'
import { jsonObject } from './json-body.ts'
import { isFlagSet, wholeNumber } from './queries.ts'
import type { Readiness } from './readiness.ts'
import { adminRoute, audit, clusterNameOf, queryOf, type RouteContext } from './route-context.ts'

const maxAudits = 1000
const defaultAudits = 100
const maxMessageLength = 500

export interface AdminRoutesOptions {
  readonly version: string
  readonly backendName: string
  readonly readiness: () => Promise<Readiness>
  readonly proxies: () => readonly { readonly name: string; readonly version: number }[]
}

/** What administrators may do. Each change, and each look into somebody's logs, is an event of the audit trail. */
export function addAdminRoutes(
  context: RouteContext,
  streams: EventStreams,
  options: AdminRoutesOptions,
): void {
  addClusters(context, streams)
  addAudits(context, streams)
  addDrain(context)
  addHealth(context, streams, options)
}

function addClusters(context: RouteContext, streams: EventStreams): void {
  const { service } = context
  const one = '/api/v1/admin/clusters/:name'

  adminRoute(context, 'GET', '/api/v1/admin/clusters', (_admin, request) =>
    clusterPage(service.search(searchOf(request, queryOf(request, 'user'))), adminDashboardRoute),
  )
  adminRoute(context, 'GET', one, (_admin, request) => {
    const name = clusterNameOf(request)
    return clusterInfo(service.details(service.ownerOf(name), name), adminDashboardRoute)
  })
  adminRoute(context, 'DELETE', one, async (admin, request) => {
    const name = clusterNameOf(request)
    const owner = service.ownerOf(name)
    await service.stopAs(admin, name)
    audit(context, { action: 'admin-stop', cluster: name, owner: owner.name }, admin, request)
  })
  for (const [what, handler] of Object.entries(historyHandlers(context, streams)))
    adminRoute(context, 'GET', `${one}/${what}`, (admin, request, reply) => {
      const name = clusterNameOf(request)
      const owner: User = service.ownerOf(name)
      if (what === 'logs')
        audit(context, { action: 'admin-logs', cluster: name, owner: owner.name }, admin, request)
      return handler(owner, request, reply)
    })
}

function addAudits(context: RouteContext, streams: EventStreams): void {
  const { trail } = context

  adminRoute(context, 'GET', '/api/v1/admin/events', async (_admin, request, reply) => {
    const limit = wholeNumber('limit', queryOf(request, 'limit'), 1, maxAudits, defaultAudits)
    const largest = Number.MAX_SAFE_INTEGER
    const before = wholeNumber('before', queryOf(request, 'before'), 1, largest, largest)
    const user = queryOf(request, 'user')
    const cluster = queryOf(request, 'cluster')
    const query = { after: null, before, limit, user, cluster }
    if (!isFlagSet(queryOf(request, 'follow')))
      return { events: (await trail.page(query)).map(auditReport) }
    const id = lastEventId(request)
    const first = id !== null && /^\d{1,15}$/.test(id) ? Number(id) : null
    return streams.serve(request, reply, auditsAfter(first, query))
  })

  function auditsAfter(
    first: number | null,
    query: {
      readonly limit: number
      readonly user: string | null
      readonly cluster: string | null
    },
  ): EventSource {
    return async function* (signal): AsyncGenerator<ServerEvent> {
      let after = first
      while (!signal.aborted) {
        const recorded = trail.whenRecorded(signal)
        const events =
          after === null
            ? (await trail.page({ ...query, after: null, before: null })).toReversed()
            : await trail.page({ ...query, after, before: null })
        for (const event of events) {
          yield { id: String(event.id), event: 'event', data: auditReport(event) }
          after = event.id
        }
        after ??= 0
        if (events.length < query.limit) await recorded
      }
    }
  }
}

function auditReport({ id, time, user, action, cluster, owner, address, message }: AuditEvent) {
  return { id, time, user, action, cluster, owner, address, message }
}

function addDrain(context: RouteContext): void {
  const { service } = context
  const url = '/api/v1/admin/drain'
  const report = () => {
    const drain = service.drain()
    return drain === null
      ? { draining: false, since: null, by: null, message: null }
      : { draining: true, ...drain }
  }
  adminRoute(context, 'GET', url, report)
  adminRoute(context, 'PUT', url, async (admin, request) => {
    const { draining, message = '' } = jsonObject(request.body)
    if (typeof draining !== 'boolean' || typeof message !== 'string')
      throw new GatewayError(
        'invalid',
        'Drain expects "draining", true or false, and "message", a text',
      )
    if (message.length > maxMessageLength || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(message))
      throw new GatewayError(
        'invalid',
        `message must be one line of at most ${maxMessageLength} characters`,
      )
    await service.setDrain(draining ? { since: Date.now(), by: admin.name, message } : null)
    audit(context, { action: draining ? 'admin-drain' : 'admin-undrain', message }, admin, request)
    return report()
  })
}

function addHealth(
  context: RouteContext,
  streams: EventStreams,
  { version, backendName, readiness, proxies }: AdminRoutesOptions,
): void {
  const { service } = context
  const startedAt = Date.now()
  adminRoute(context, 'GET', '/api/v1/admin/health', async () => {
    const { status, checks } = await readiness()
    const problem = service.backendProblem()
    return {
      status: problem === null ? status : 'fail',
      checks: { ...checks, backend: problem ?? 'pass' },
      version,
      backend: backendName,
      start_time: startedAt,
      memory: process.memoryUsage.rss(),
      streams: streams.count(),
      draining: service.drain() !== null,
      proxies: proxies().map(({ name, version: routes }) => ({ name, routes })),
      ...service.counts(),
    }
  })
}

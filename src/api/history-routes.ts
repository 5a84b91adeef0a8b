import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError, type User, type Worker } from '../core/index.ts'
import { type EventStreams, lastEventId } from './event-streams.ts'
import { eventReport, eventsOf, lastLines, logOf } from './follow.ts'
import { isFlagSet, wholeNumber } from './queries.ts'
import {
  clusterNameOf,
  queryOf,
  type RouteContext,
  type UserHandler,
  userRoute,
} from './route-context.ts'

const maxEvents = 1000
const defaultTailLines = 200
const maxTailLines = 10_000
const maxLogBytes = 4 * 1024 * 1024

/** What a cluster's owner may see of its life: events, workers and logs. */
export function addHistoryRoutes(context: RouteContext, streams: EventStreams): void {
  for (const [what, handler] of Object.entries(historyHandlers(context, streams)))
    userRoute(context, 'GET', `/api/v1/clusters/:name/${what}`, handler)
}

/** The same for administrators, who ask as the owner. */
export function historyHandlers(context: RouteContext, streams: EventStreams) {
  const { service } = context

  async function events(user: User, request: FastifyRequest, reply: FastifyReply) {
    const name = clusterNameOf(request)
    const after = wholeNumber('after', queryOf(request, 'after'), 0, Number.MAX_SAFE_INTEGER, 0)
    const limit = wholeNumber('limit', queryOf(request, 'limit'), 1, maxEvents, maxEvents)
    if (isFlagSet(queryOf(request, 'follow'))) {
      service.get(user, name)
      const start = positionOf(lastEventId(request)) ?? after
      return streams.serve(request, reply, eventsOf(service, user, name, start))
    }
    const found = await service.events(user, name, after, limit)
    return { events: found.map(eventReport) }
  }

  function workers(user: User, request: FastifyRequest) {
    return { workers: service.workers(user, clusterNameOf(request)).map(workerReport) }
  }

  async function logs(user: User, request: FastifyRequest, reply: FastifyReply) {
    const name = clusterNameOf(request)
    const worker = queryOf(request, 'worker')
    const lines = wholeNumber('tail', queryOf(request, 'tail'), 1, maxTailLines, defaultTailLines)
    if (isFlagSet(queryOf(request, 'follow'))) {
      const start = positionOf(lastEventId(request))
      // Whether there is such a cluster and worker is answered before the stream begins.
      await service.logPiece(user, name, worker, start, 1)
      const from = start ?? { tailLines: lines }
      return streams.serve(request, reply, logOf(service, user, name, worker, from))
    }
    const maxBytes = Math.min(maxLogBytes, Math.max(65_536, lines * 1024))
    const log = await service.logs(user, name, worker, maxBytes)
    if (log === null) {
      const whose = worker === null ? 'its scheduler' : `worker ${worker}`
      throw new GatewayError('not-found', `Cluster ${name} has no log of ${whose}`)
    }
    // The text is the user's own program's: it must never become a page of ours.
    await reply
      .header('content-type', 'text/plain; charset=utf-8')
      .header('content-disposition', `attachment; filename="${fileName(name, worker)}"`)
      .header('content-security-policy', "default-src 'none'; sandbox")
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .send(lastLines(log, lines).toString('utf8'))
    return undefined
  }

  return { events, workers, logs } satisfies { readonly [what: string]: UserHandler }
}

/** A whole number that we gave as an id; null: none. */
function positionOf(id: string | null): number | null {
  return id !== null && /^\d{1,15}$/.test(id) ? Number(id) : null
}

function workerReport(worker: Worker) {
  return {
    name: worker.name,
    status: worker.status,
    start_time: worker.startTime,
    stop_time: worker.stopTime,
    reason: worker.reason,
  }
}

function fileName(clusterName: string, worker: string | null): string {
  return `${clusterName}-${worker ?? 'scheduler'}.log`.replace(/[^A-Za-z0-9._-]/g, '_')
}

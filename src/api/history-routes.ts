import { type ClusterEvent, GatewayError, type Worker } from '../core/index.ts'
import { clusterNameOf, queryOf, type RouteContext, userRoute } from './route-context.ts'

const maxEvents = 1000
const defaultTailLines = 200
const maxTailLines = 10_000
const maxLogBytes = 4 * 1024 * 1024

/** What a cluster's owner may see of its life: events, workers and logs. */
export function addHistoryRoutes(context: RouteContext): void {
  const { service } = context

  userRoute(context, 'GET', '/api/v1/clusters/:name/events', async (user, request) => {
    const after = wholeNumber('after', queryOf(request, 'after'), 0, Number.MAX_SAFE_INTEGER, 0)
    const limit = wholeNumber('limit', queryOf(request, 'limit'), 1, maxEvents, maxEvents)
    const events = await service.events(user, clusterNameOf(request), after, limit)
    return { events: events.map(eventReport) }
  })

  userRoute(context, 'GET', '/api/v1/clusters/:name/workers', (user, request) => ({
    workers: service.workers(user, clusterNameOf(request)).map(workerReport),
  }))

  userRoute(context, 'GET', '/api/v1/clusters/:name/logs', async (user, request, reply) => {
    const name = clusterNameOf(request)
    const worker = queryOf(request, 'worker')
    const lines = wholeNumber('tail', queryOf(request, 'tail'), 1, maxTailLines, defaultTailLines)
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
      .send(lastLines(log.toString('utf8'), lines))
    return undefined
  })
}

function eventReport(event: ClusterEvent) {
  const { id, time, kind, message, worker, details } = event
  return { id, time, kind, message, worker, details }
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

function lastLines(text: string, count: number): string {
  let start = text.endsWith('\n') ? text.length - 1 : text.length
  for (let line = 0; line < count; line++) {
    if (start <= 0) return text
    start = text.lastIndexOf('\n', start - 1)
    if (start < 0) return text
  }
  return text.slice(start + 1)
}

function wholeNumber(
  name: string,
  value: string | null,
  min: number,
  max: number,
  otherwise: number,
): number {
  if (value === null) return otherwise
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (number >= min && number <= max) return number
  throw new GatewayError('invalid', `${name} must be an integer from ${min} to ${max}`)
}

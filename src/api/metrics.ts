import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ClusterService } from '../clusters/index.ts'
import type { RouteFeed, Telemetry } from '../core/index.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { EventStreams } from './event-streams.ts'
import { createTelemetry } from './telemetry.ts'

export interface Metrics {
  observeRequest(route: string, method: string, status: number, seconds: number): void
  /** Somebody was not who they said they are. */
  authenticationFailed(by: AuthenticationFailure): void
  /** A cluster was asked for; `outcome` is `created` or the code of the error. */
  clusterAsked(outcome: string): void
  readonly telemetry: Telemetry
  /** What is counted when the figures are asked for. */
  countFrom(sources: MetricsSources): void
  /** The figures in Prometheus' text form. */
  text(): Promise<string>
  readonly contentType: string
}

export type AuthenticationFailure = 'header' | 'token'

export interface MetricsSources {
  readonly service: Pick<ClusterService, 'counts' | 'backlog' | 'backendProblem'>
  readonly routeFeed: Pick<RouteFeed, 'proxies'>
  readonly streams: Pick<EventStreams, 'count'>
  readonly trail: Pick<AuditTrail, 'state'>
}

/** Gauges that their makers call counters. */
const misnamed = ['handles', 'requests', 'resources'].map(
  (what) => `dask_gateway_nodejs_active_${what}_total`,
)

/** A client may send any method that node:http knows: these are told apart. */
export const toldMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
])

/**
 * The gateway's figures. Labels take values of closed sets alone: routes as they are declared, statuses, steps; never names of users,
 * clusters or workers, so that the number of series has a bound.
 */
export function createMetrics(): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register, prefix: 'dask_gateway_' })
  for (const name of misnamed) register.removeSingleMetric(name)
  const durations = new Histogram({
    name: 'dask_gateway_http_request_duration_seconds',
    help: 'Seconds from a request of the API to the end of its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    registers,
  })
  const authenticationFailures = new Counter({
    name: 'dask_gateway_authentication_failures_total',
    help: 'Requests whose proof of who sent them was refused: a header (passwords, tickets, a hub) or an access token.',
    labelNames: ['by'],
    registers,
  })
  const asked = new Counter({
    name: 'dask_gateway_cluster_requests_total',
    help: 'Clusters that were asked for, by what came of it: created, or the code of the error (conflict: a quota, or no new clusters are taken).',
    labelNames: ['outcome'],
    registers,
  })
  for (const by of ['header', 'token'] as const) authenticationFailures.inc({ by }, 0)
  for (const outcome of ['created', 'conflict']) asked.inc({ outcome }, 0)

  return {
    observeRequest(route, method, status, seconds) {
      const known = toldMethods.has(method) ? method : 'other'
      durations.observe({ route, method: known, status }, seconds)
    },
    authenticationFailed: (by) => authenticationFailures.inc({ by }),
    clusterAsked: (outcome) => asked.inc({ outcome }),
    telemetry: createTelemetry(registers),
    countFrom: (sources) => addGauges(registers, sources),
    text: () => register.metrics(),
    contentType: register.contentType,
  }
}

/** Figures of now. */
function addGauges(
  registers: Registry[],
  { service, routeFeed, streams, trail }: MetricsSources,
): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name: `dask_gateway_${name}`, help, registers },
      collect() {
        this.set(value())
      },
    })
  for (const what of ['clusters', 'workers'] as const)
    new Gauge({
      name: `dask_gateway_${what}`,
      help: `Number of ${what} by status.`,
      labelNames: ['status'],
      registers,
      collect() {
        for (const [status, count] of Object.entries(service.counts()[what]))
          this.set({ status }, count)
      },
    })
  gauge('proxies_connected', 'Proxies that watch the routes.', () => routeFeed.proxies().length)
  gauge('event_streams', 'Streams of events that are open.', () => streams.count())
  gauge('backend_problem', '1: the last look at what runs failed.', () =>
    Number(service.backendProblem() !== null),
  )
  gauge(
    'reconciler_waiting',
    'Clusters that wait to be looked at.',
    () => service.backlog().waiting,
  )
  gauge(
    'reconciler_active',
    'Clusters of which a step is carried out.',
    () => service.backlog().active,
  )
  gauge(
    'reconciler_retrying',
    'Clusters whose last step failed and is to be repeated.',
    () => service.backlog().retrying,
  )
  gauge(
    'reconciler_oldest_wait_seconds',
    'How long the oldest of those that wait to be looked at has waited.',
    () => service.backlog().oldestSeconds,
  )
  gauge(
    'audit_unwritten_events',
    'Events of the audit trail that are not in the records yet.',
    () => trail.state().unwritten,
  )
  gauge(
    'audit_file_problem',
    '1: the file of the audit trail cannot be written; the records have what is missing in it.',
    () => Number(trail.state().fileProblem !== null),
  )
}

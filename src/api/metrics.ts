import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ClusterService } from '../clusters/index.ts'
import type { RouteFeed } from '../core/index.ts'
import type { EventStreams } from './event-streams.ts'

export interface Metrics {
  observeRequest(route: string, method: string, status: number, seconds: number): void
  /** The figures in Prometheus' text form. */
  text(): Promise<string>
  readonly contentType: string
}

/** The gateway's figures; those of clusters are counted when they are asked for. */
export function createMetrics({
  service,
  routeFeed,
  streams,
}: {
  readonly service: Pick<ClusterService, 'counts'>
  readonly routeFeed: Pick<RouteFeed, 'proxies'>
  readonly streams: Pick<EventStreams, 'count'>
}): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register, prefix: 'dask_gateway_' })

  for (const what of ['clusters', 'workers'] as const) {
    new Gauge({
      name: `dask_gateway_${what}`,
      help: `Number of ${what} by status.`,
      labelNames: ['status'],
      registers,
      collect() {
        for (const [status, count] of Object.entries(service.counts()[what])) {
          this.set({ status }, count)
        }
      },
    })
  }
  new Gauge({
    name: 'dask_gateway_proxies_connected',
    help: 'Proxies that watch the routes.',
    registers,
    collect() {
      this.set(routeFeed.proxies().length)
    },
  })
  new Gauge({
    name: 'dask_gateway_event_streams',
    help: 'Streams of events that are open.',
    registers,
    collect() {
      this.set(streams.count())
    },
  })
  const durations = new Histogram({
    name: 'dask_gateway_http_request_duration_seconds',
    help: 'Seconds from a request of the API to the end of its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    registers,
  })

  return {
    observeRequest(route, method, status, seconds) {
      durations.observe({ route, method, status }, seconds)
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  }
}

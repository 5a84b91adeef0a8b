import { type Context, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import type { Backend, Cluster } from '../../core/index.ts'
import { withMethods } from '../with-methods.ts'

/** Looks at what runs go on all the time, so they are left out. */
const calls = ['startScheduler', 'startWorkers', 'stopObjects', 'cleanUp'] as const

/** The backend, each of whose calls for a cluster is a span. */
export function tracedBackend(
  backend: Backend,
  tracer: Tracer,
  contextOf: (clusterName: string) => Context,
): Backend {
  const methods = calls.map((name) => {
    const call = backend[name].bind(backend) as (...args: readonly unknown[]) => Promise<unknown>
    const traced = async (cluster: Cluster, ...args: readonly unknown[]) => {
      const attributes = { 'dask_gateway.cluster': cluster.name, 'user.name': cluster.username }
      const options = { kind: SpanKind.CLIENT, attributes }
      const span = tracer.startSpan(`backend ${name}`, options, contextOf(cluster.name))
      try {
        return await call(cluster, ...args)
      } catch (error) {
        // Its words may be the user's.
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    }
    return [name, traced] as const
  })
  return withMethods(backend, Object.fromEntries(methods))
}

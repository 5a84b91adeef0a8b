import { type Context, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api'
import type { Backend, Cluster } from '../../core/index.ts'
import { withCalls } from '../with-methods.ts'

/** Looks at what runs go on all the time, so they are left out. */
const calls = ['startScheduler', 'startWorkers', 'stopObjects', 'cleanUp'] as const

/** The backend, each of whose calls for a cluster is a span. */
export function tracedBackend(
  backend: Backend,
  tracer: Tracer,
  contextOf: (clusterName: string) => Context,
): Backend {
  return withCalls(backend, calls, (name, call) => async (...given) => {
    const { name: clusterName, username } = given[0] as Cluster
    const attributes = { 'dask_gateway.cluster': clusterName, 'user.name': username }
    const options = { kind: SpanKind.CLIENT, attributes }
    const span = tracer.startSpan(`backend ${name}`, options, contextOf(clusterName))
    try {
      return await call(...given)
    } catch (error) {
      // Its words may be the user's.
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}

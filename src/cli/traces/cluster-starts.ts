import { type Context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { Cluster } from '../../core/index.ts'

interface Start {
  readonly span: Span
  readonly context: Context
  /** What it waits for now. */
  phase: Span | null
}

const mostStarts = 10_000

/** The ways of clusters from their creation until users can reach them: one span each, with one for each thing that is waited for. */
export class ClusterStarts {
  readonly #tracer: Tracer
  readonly #starts = new Map<string, Start>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  contextOf(clusterName: string): Context | null {
    return this.#starts.get(clusterName)?.context ?? null
  }

  created({ name, username }: Cluster, parent: Context): void {
    if (this.#starts.size >= mostStarts) return
    const attributes = { 'dask_gateway.cluster': name, 'user.name': username }
    const span = this.#tracer.startSpan('cluster start', { attributes }, parent)
    const context = trace.setSpan(parent, span)
    this.#starts.set(name, { span, context, phase: null })
    this.#enter(name, 'submit')
  }

  /** An event of its records. */
  happened(clusterName: string, kind: string): void {
    switch (kind) {
      case 'scheduler-started':
        this.#enter(clusterName, 'wait for heartbeat')
        break
      case 'scheduler-ready':
        this.#enter(clusterName, 'publish')
        break
      case 'cluster-running':
        this.#end(clusterName, null)
        break
      case 'cluster-failing':
      case 'cluster-failed':
        this.#end(clusterName, 'failed')
        break
      case 'stop-requested':
      case 'cluster-stopped':
        this.#end(clusterName, 'stopped')
    }
  }

  #enter(name: string, phase: string): void {
    const start = this.#starts.get(name)
    if (start === undefined) return
    start.phase?.end()
    start.phase = this.#tracer.startSpan(phase, {}, start.context)
  }

  #end(name: string, how: 'failed' | 'stopped' | null): void {
    const start = this.#starts.get(name)
    if (start === undefined) return
    this.#starts.delete(name)
    start.phase?.end()
    // Why is the user's own affair, and stands in the events of the cluster.
    if (how !== null) start.span.setAttribute('dask_gateway.outcome', how)
    if (how === 'failed') start.span.setStatus({ code: SpanStatusCode.ERROR })
    start.span.end()
  }
}

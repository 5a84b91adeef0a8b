import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { toldMethods } from '../../api/index.ts'
import type { Logger, Traces } from '../../core/index.ts'
import { ClusterStarts } from './cluster-starts.ts'
import { samplerOf } from './sampler.ts'
import { tracedBackend } from './traced-backend.ts'
import { tracedStore } from './traced-store.ts'

const closeLimitMs = 3000
const complaintsEveryMs = 60_000

/** Traces that are sent by OTLP over HTTP. A collector that is away or hangs costs spans, nothing else: they wait in a queue with a bound. */
export function createTraces(
  environment: NodeJS.ProcessEnv,
  version: string,
  logger: Logger,
): Traces {
  let complainedAt = Number.NEGATIVE_INFINITY
  const complain = (...words: readonly unknown[]) => {
    if (performance.now() - complainedAt < complaintsEveryMs) return
    complainedAt = performance.now()
    logger.warn(`Traces cannot be sent: ${String(words[0]).slice(0, 300)}`)
  }
  const quiet = () => {}
  diag.setLogger(
    { error: complain, warn: complain, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const named = resourceFromAttributes({
    'service.name': 'dask-gateway-server',
    'service.version': version,
  })
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(environment, logger),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
    spanLimits: { attributeValueLengthLimit: 256 },
  })
  const tracer = provider.getTracer('dask-gateway-server', version)
  const current = new AsyncLocalStorage<Context>()
  const now = () => current.getStore() ?? ROOT_CONTEXT
  const starts = new ClusterStarts(tracer)
  return {
    begin(method, traceparent) {
      const parent = parentIn(traceparent)
      const attributes = { 'http.request.method': toldMethods.has(method) ? method : '_OTHER' }
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent)
      const context = trace.setSpan(parent, span)
      return {
        run: (work) => current.run(context, work),
        end(route, status) {
          span.updateName(`${attributes['http.request.method']} ${route}`)
          span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },
    store: (store) => tracedStore(store, starts, now),
    backend: (backend) => tracedBackend(backend, tracer, (name) => starts.contextOf(name) ?? now()),
    async close() {
      const late = new Promise((done) => setTimeout(done, closeLimitMs).unref())
      await Promise.race([provider.shutdown().catch(quiet), late])
    },
  }
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; what is none is passed over. */
function parentIn(traceparent: string | undefined): Context {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(
    traceparent?.trim().slice(0, 512) ?? '',
  )
  const [, version, traceId = '', spanId = '', flags = ''] = match ?? []
  if (version === undefined || version === 'ff' || (version === '00' && match?.[0].length !== 55))
    return ROOT_CONTEXT
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

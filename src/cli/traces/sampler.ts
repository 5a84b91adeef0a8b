import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { Logger } from '../../core/index.ts'

/** OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG: which traces are kept; without, all that their callers keep. */
export function samplerOf(environment: NodeJS.ProcessEnv, logger: Logger): Sampler {
  const asked = environment.OTEL_TRACES_SAMPLER || 'parentbased_always_on'
  const ratio = () => new TraceIdRatioBasedSampler(ratioOf(environment.OTEL_TRACES_SAMPLER_ARG))
  const roots: { readonly [name: string]: () => Sampler } = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: ratio,
  }
  const root = roots[asked.replace(/^parentbased_/, '')]
  if (root === undefined) logger.warn('OTEL_TRACES_SAMPLER is not known: all traces are kept')
  const sampler = (root ?? (() => new AlwaysOnSampler()))()
  return asked.startsWith('parentbased_') ? new ParentBasedSampler({ root: sampler }) : sampler
}

function ratioOf(text: string | undefined): number {
  const ratio = text === undefined || text === '' ? 1 : Number(text)
  return ratio >= 0 && ratio <= 1 ? ratio : 1
}

import type { Logger, Traces } from '../../core/index.ts'

/**
 * The traces that the environment asks for, as OpenTelemetry has its variables
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/); null: none, and nothing of it is loaded.
 */
export async function tracesWanted(
  environment: NodeJS.ProcessEnv,
  version: string,
  logger: Logger,
): Promise<Traces | null> {
  if (!isWanted(environment, logger)) return null
  const { createTraces } = await import('./create-traces.ts')
  return createTraces(environment, version, logger)
}

/** Empty is unset. */
function isWanted(environment: NodeJS.ProcessEnv, logger: Logger): boolean {
  const {
    OTEL_SDK_DISABLED = '',
    OTEL_TRACES_EXPORTER = '',
    OTEL_EXPORTER_OTLP_ENDPOINT = '',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = '',
  } = environment
  if (OTEL_SDK_DISABLED.toLowerCase() === 'true') return false
  if (OTEL_TRACES_EXPORTER === 'otlp') return true
  if (OTEL_TRACES_EXPORTER === 'none') return false
  if (OTEL_TRACES_EXPORTER !== '') {
    logger.warn(`OTEL_TRACES_EXPORTER: there are no traces, as only "otlp" and "none" are known`)
    return false
  }
  return OTEL_EXPORTER_OTLP_ENDPOINT !== '' || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== ''
}

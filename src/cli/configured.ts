import { type Configuration, gatewaySettings, showConfig, showConfigJson } from '../config/index.ts'
import type { Logger } from '../core/index.ts'
import type { ProxyProcess } from '../proxy/index.ts'
import type { LogLevel } from '../util/index.ts'
import type { Arguments } from './arguments.ts'
import { checkConfig } from './check-config.ts'
import { runProxyCommand } from './proxy-process.ts'
import { serve } from './serve.ts'

/** The commands that begin by reading the configuration, when it is read; resolves with the exit status. */
export async function runConfigured(
  given: Arguments,
  configuration: Configuration,
  surroundings: {
    readonly logger: Logger
    readonly setLogLevel: (level: LogLevel) => void
    /** One that was begun for `serve`. */
    readonly begunProxy: ProxyProcess | null
  },
): Promise<number> {
  const { logger, setLogLevel, begunProxy } = surroundings
  const settings = configuration.get(gatewaySettings)
  setLogLevel(settings.log_level)
  for (const note of configuration.notes) logger.warn(note)
  if (given.showConfig !== 'no' || settings.show_config || settings.show_config_json) {
    const json = given.showConfig === 'json' || settings.show_config_json
    process.stdout.write(json ? showConfigJson(configuration) : showConfig(configuration))
    return 0
  }
  if (given.command === 'check-config') {
    console.log(await checkConfig(configuration, logger))
    return 0
  }
  if (given.command === 'proxy') return runProxyCommand(configuration)
  return serve(configuration, logger, begunProxy)
}

import { type ConfigurationRequest, loadConfiguration } from '../config/index.ts'
import { GatewayError, type Logger, logFormat, messageOf } from '../core/index.ts'
import { beginProxy } from '../proxy/index.ts'
import { createLogger, endProcess, type LogLevel } from '../util/index.ts'
import { type Arguments, parseArguments } from './arguments.ts'
import { allHelp, help } from './help.ts'
import { proxyCommand } from './proxy-command.ts'
import { packageVersion } from './version.ts'

void main(process.argv.slice(2))
  .catch((error: unknown) => {
    tell(error)
    return 1
  })
  .then(endProcess)

async function main(argv: readonly string[]): Promise<number> {
  const given = parseArguments(argv)
  if (given.version) {
    console.log(packageVersion())
    return 0
  }
  if (given.help !== 'none') {
    console.log(given.help === 'all' ? await allHelp(given.command) : help(given.command))
    return 0
  }
  if (given.command === 'generate-config') {
    const { writeConfig } = await import('./write-config.ts')
    return writeConfig(given)
  }
  if (given.command === 'doctor') return runDoctor(given)
  return runConfigured(given)
}

/**
 * The commands that begin by reading the configuration. Python and the proxy are begun before anything else is read, as they
 * take their time: this file imports little that is not needed for that.
 */
async function runConfigured(given: Arguments): Promise<number> {
  let level: LogLevel = 'info'
  const logger = createLogger({
    level: () => level,
    format: logFormat(),
    write: (line) => process.stderr.write(line),
  })
  endOnFaults(logger)
  const loading = loadConfiguration(requestOf(given, logger))
  const needsProxy = given.command === 'serve' && given.showConfig === 'no'
  const begunProxy = needsProxy ? beginProxy(proxyCommand) : null
  const [configuration, commands] = await Promise.all([loading, import('./configured.ts')])
  const setLogLevel = (chosen: LogLevel) => {
    level = chosen
  }
  try {
    return await commands.runConfigured(given, configuration, { logger, setLogLevel, begunProxy })
  } finally {
    await configuration.close()
  }
}

/** A configuration that cannot be read is one of its findings. */
async function runDoctor(given: Arguments): Promise<number> {
  const { doctor } = await import('./doctor/doctor.ts')
  const write = (line: string) => process.stderr.write(line)
  const logger = createLogger({ level: 'error', format: logFormat(), write })
  return doctor(given.doctor, requestOf(given, logger), logger)
}

function requestOf(given: Arguments, logger: Logger): ConfigurationRequest {
  return {
    files: given.configFile === null ? [] : [given.configFile],
    defaultFile: 'dask_gateway_config.py',
    commandLine: given.settings,
    python: given.python,
    logger,
    evaluationLimitMs: configurationLimitMs(),
  }
}

/** Why it ends, in the form of the log; a stack only for a fault of the program. */
function tell(error: unknown): void {
  const known = error instanceof GatewayError && error.code !== 'internal'
  if (logFormat() === 'text') {
    console.error(known ? `Error: ${error.message}` : error)
    return
  }
  const write = (line: string) => process.stderr.write(line)
  const logger = createLogger({ level: 'info', format: 'json', write })
  logger.error(messageOf(error), known ? {} : { error })
}

/** DASK_GATEWAY_CONFIG_TIMEOUT: seconds that a configuration file may take; 60. */
function configurationLimitMs(): number {
  const text = process.env.DASK_GATEWAY_CONFIG_TIMEOUT ?? ''
  const seconds = text === '' ? 60 : Number(text)
  if (seconds > 0 && seconds <= 3600) return seconds * 1000
  throw new GatewayError(
    'configuration',
    `DASK_GATEWAY_CONFIG_TIMEOUT = ${JSON.stringify(text)}: must be seconds, more than 0 and at most 3600`,
  )
}

/** A fault of the program ends it: clusters go on, and a start after it finds them. */
function endOnFaults(logger: Logger): void {
  const end = (error: unknown) => {
    logger.error('A fault of the gateway ends it; clusters go on', { error })
    endProcess(70)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

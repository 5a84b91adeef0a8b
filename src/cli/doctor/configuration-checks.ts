import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  type Configuration,
  type ConfigurationRequest,
  findPython,
  loadConfiguration,
} from '../../config/index.ts'
import type { Logger } from '../../core/index.ts'
import { checkParts, driverOf } from '../parts.ts'
import { type Finding, type Found, ok, warning } from './checkup.ts'

/** Reads the configuration and checks all that a start would check before it begins anything. */
export async function checkConfiguration(
  request: ConfigurationRequest,
): Promise<Found<Configuration>> {
  const facts = await loadConfiguration(request)
  const read =
    facts.sources.length === 0
      ? 'No configuration file was found here: all settings have their defaults'
      : `${facts.sources.join(', ')} loads`
  const finding =
    facts.notes.length > 0
      ? { ...warning(`${read}, with remarks`), details: facts.notes }
      : facts.sources.length === 0
        ? warning(read, 'If there is one, name it with -f, or start in its directory.')
        : ok(read)
  return { finding, facts }
}

/** The certificate, the backend, the authenticator and what they are made of. */
export async function checkMadeOf(
  configuration: Configuration,
  logger: Logger,
  signal: AbortSignal,
): Promise<Finding> {
  await checkParts(configuration, logger)
  const driver = driverOf(configuration)
  await driver.check?.(configuration.get(driver.settings), signal)
  return ok(`${driver.settings.name} and ${configuration.authenticatorClass.name} can be used`)
}

/** The Python that configuration files and the functions in them are run by. */
export async function checkPython(
  configuration: Configuration,
  chosen: string | null,
  signal: AbortSignal,
): Promise<Finding> {
  if (!configuration.sources.some((file) => !/\.(json|[cm]?[jt]s)$/i.test(file)))
    return ok('No Python is needed to read this configuration')
  const python = findPython(chosen)
  const program = 'import sys; print("%d.%d.%d" % sys.version_info[:3])'
  const { stdout } = await promisify(execFile)(python, ['-c', program], { signal })
  return ok(`${python} (Python ${stdout.trim()}) reads the configuration`)
}

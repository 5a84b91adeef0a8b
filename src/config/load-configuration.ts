import { existsSync } from 'node:fs'
import type { SettingsClass } from '../core/index.ts'
import type { Configuration } from './configuration.ts'
import { fileKind } from './file-kind.ts'
import { poolFor } from './python-pool.ts'
import type { ConfigurationRequest } from './read-layers.ts'

/**
 * Reads files and the command line, which wins. Throws 'configuration' when anything in them is wrong. `classes` is
 * everything that may be set; tests give their own.
 */
export async function loadConfiguration(
  request: ConfigurationRequest,
  classes?: readonly SettingsClass[],
): Promise<Configuration> {
  const pool = poolFor(request)
  if (needsPython(request)) pool.begin()
  // Python starts while what parts declare is read.
  const { createConfiguration } = await import('./configuration.ts')
  return createConfiguration(request, pool, classes)
}

function needsPython({ files, defaultFile }: ConfigurationRequest): boolean {
  const wanted = files.length > 0 ? files : defaultFile === null ? [] : [defaultFile]
  return wanted.some((path) => fileKind(path) === 'python' && existsSync(path))
}

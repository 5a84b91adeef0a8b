import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Logger } from '../../core/index.ts'
import { GatewayError } from '../../core/index.ts'
import { isRoot } from './accounts.ts'

const script = join(import.meta.dirname, '../../../python/subreaper.py')

/**
 * The words before a program that make it a subreaper. Any Python 3 does, and no setting may name one of a user's: it runs
 * as the gateway. Without one there is none, which LocalBackend does not allow: what escapes could not be found.
 */
export function findSubreaper(logger: Logger): readonly string[] {
  const python = findPython()
  // -I and -S: nothing from the environment, the working directory or a user's packages.
  if (python !== null) return [python, '-I', '-S', script]
  const why = 'PATH has no Python, which keeps hold of what clusters start'
  if (isRoot())
    throw new GatewayError('configuration', `${why}: install python3, or set DASK_GATEWAY_PYTHON`)
  logger.warn(`${why}: a process that leaves its session and its environment will not be found`)
  return []
}

function findPython(): string | null {
  const { PATH = '', DASK_GATEWAY_PYTHON: chosen } = process.env
  const folders = PATH.split(delimiter).filter((folder) => folder.startsWith('/'))
  const named = ['python3', 'python'].flatMap((name) => folders.map((each) => join(each, name)))
  return [...(chosen?.startsWith('/') ? [chosen] : []), ...named].find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

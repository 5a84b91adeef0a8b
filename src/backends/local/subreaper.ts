import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../../core/index.ts'
import { GatewayError } from '../../core/index.ts'
import { findProgram, isProgram, packageFolder } from '../../util/index.ts'
import { isRoot } from './accounts.ts'

const script = join(packageFolder, 'python/subreaper.py')

/**
 * The words before a program that make it a subreaper. Any Python 3 does, and no setting may name one of a user's: it runs
 * as the gateway. Without one there are none.
 */
export function findSubreaper(logger: Logger): readonly string[] {
  if (!existsSync('/proc/thread-self/children'))
    return cannotKeepHold('this kernel tells nobody its children (CONFIG_PROC_CHILDREN)', logger)
  const python = findPython()
  // -I and -S: nothing from the environment, the working directory or a user's packages.
  if (python !== null) return [python, '-I', '-S', script]
  return cannotKeepHold('PATH has no python3 or python, and DASK_GATEWAY_PYTHON names none', logger)
}

function cannotKeepHold(why: string, logger: Logger): readonly string[] {
  if (isRoot())
    throw new GatewayError(
      'configuration',
      `What clusters start could not be kept hold of, which a gateway that is root must: ${why}`,
    )
  logger.warn(`What leaves its session and clears its environment will not be found: ${why}`)
  return []
}

function findPython(): string | null {
  const { PATH, DASK_GATEWAY_PYTHON: chosen } = process.env
  if (chosen?.startsWith('/') && isProgram(chosen)) return chosen
  return findProgram('python3', PATH) ?? findProgram('python', PATH)
}

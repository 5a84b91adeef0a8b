import { GatewayError } from '../core/index.ts'
import { findProgram, isProgram } from '../util/index.ts'

/** Where Python comes from: the option, else DASK_GATEWAY_PYTHON, else `python3` or `python`, the first on PATH. */
export function findPython(
  chosen: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const fromEnvironment = environment.DASK_GATEWAY_PYTHON
  if (chosen !== null && chosen !== '') return existing(chosen, '--python', environment)
  if (fromEnvironment) return existing(fromEnvironment, 'DASK_GATEWAY_PYTHON', environment)
  const found = findProgram('python3', environment.PATH) ?? findProgram('python', environment.PATH)
  if (found !== null) return found
  throw new GatewayError(
    'configuration',
    `A configuration in Python needs Python 3.9 or newer, and PATH (${environment.PATH ?? ''}) has neither python3 nor python. Install it, name one with --python or DASK_GATEWAY_PYTHON, or write the configuration in JSON or TypeScript.`,
  )
}

function existing(name: string, by: string, environment: NodeJS.ProcessEnv): string {
  const path = name.includes('/')
    ? isProgram(name)
      ? name
      : null
    : findProgram(name, environment.PATH)
  if (path !== null) return path
  throw new GatewayError(
    'configuration',
    `${by} names ${name}, which is no program that can be run here. Give the path of a Python 3.9 or newer.`,
  )
}

import {
  type ClusterOptions,
  GatewayError,
  type Json,
  type Logger,
  type OptionField,
  type User,
} from '../core/index.ts'
import { Changes, DeclaredOptions, type Layer, type RawAssignment } from './layer.ts'
import { type Place, PythonGone, type PythonProblem, type PythonReply } from './python-child.ts'
import type { PythonPool } from './python-pool.ts'

interface Evaluated {
  readonly assignments: readonly {
    readonly class: string
    readonly setting: string
    readonly value: unknown
    readonly file: string | null
    readonly line: number | null
  }[]
  readonly notes: readonly string[]
}

/** A Python configuration, evaluated by the pool. Throws 'configuration' with file, line and what Python said. */
export async function readPython(
  file: string,
  pool: PythonPool,
  logger: Logger,
  limitMs: () => number,
): Promise<Layer> {
  const reply = await pool.evaluate(file).catch((error: unknown) => {
    throw error instanceof PythonGone ? evaluationGone(file, error) : error
  })
  if (reply.error !== undefined) throw evaluationFailed(file, reply.error, pool.description)
  const { assignments, notes } = reply as unknown as Evaluated
  return {
    notes,
    assignments: assignments.map((each): RawAssignment => {
      const ask = pythonOptions(pool, file, each.class, logger, limitMs)
      return {
        className: each.class,
        setting: each.setting,
        value: unmarked(each.value, ask),
        source: place(each.file ?? file, each.line),
      }
    }),
  }
}

function place(file: string, line: number | null | undefined): string {
  return line === null || line === undefined ? file : `${file}, line ${line}`
}

/** The marks of python/dask_gateway_evaluator as our own objects. */
function unmarked(value: unknown, ask: ClusterOptions): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$changes' in value) return new Changes(value.$changes as Changes)
  if (!('$options' in value)) return value
  const { fields } = value.$options as { readonly fields: readonly OptionField[] | null }
  if (fields === null) return new DeclaredOptions('options that depend on the user', ask)
  const names = fields.map(({ field }) => field).join(', ') || 'none'
  return new DeclaredOptions(`options: ${names}`, { ...ask, fieldsFor: async () => fields })
}

/** Options whose fields or handler are Python's: each question goes to a process of the pool. */
function pythonOptions(
  pool: PythonPool,
  file: string,
  className: string,
  logger: Logger,
  limitMs: () => number,
): ClusterOptions {
  const about = (user: User) => ({
    file,
    class: className,
    user: { name: user.name, groups: user.groups, admin: user.admin },
  })
  const answered = async (what: string, asked: Promise<PythonReply>): Promise<unknown> => {
    const reply = await asked.catch((error: unknown) => {
      if (!(error instanceof PythonGone)) throw error
      logger.error(`${what} in ${file}: ${error.message}${where(file, error.at)}`)
      throw new GatewayError('internal', handlerGone(what, error), { cause: error })
    })
    if (reply.error !== undefined) throw handlerFailed(what, reply.error)
    return reply.value
  }
  return {
    fieldsFor: async (user) =>
      (await answered(
        'The callable cluster_options',
        pool.ask({ do: 'fields', ...about(user) }, limitMs()),
      )) as readonly OptionField[],
    settingsFor: async (user, values) =>
      (await answered(
        'The option handler',
        pool.ask({ do: 'settings', ...about(user), values }, limitMs()),
      )) as { readonly [key: string]: Json },
  }
}

function handlerGone(what: string, error: PythonGone): string {
  return error.kind === 'timeout'
    ? `${what} of this gateway did not answer: ${error.message}. Its administrator finds the place in the gateway's log.`
    : `${what} of this gateway ended its process: ${error.message}. Its administrator finds more in the gateway's log.`
}

function handlerFailed(what: string, problem: PythonProblem): GatewayError {
  // What the administrator's code raises is meant for the user; the rest is a mistake of that code.
  return problem.kind === 'raised'
    ? new GatewayError('invalid', problem.message)
    : new GatewayError('internal', `${what} of this gateway failed: ${problem.message}`)
}

function where(file: string, at: readonly Place[]): string {
  const own = at.find((each) => each.file === file) ?? at[0]
  return own === undefined ? '' : `; it was at ${place(own.file, own.line)}`
}

function evaluationGone(file: string, error: PythonGone): GatewayError {
  const what = error.kind === 'timeout' ? 'did not come to an end' : 'ended the Python that ran it'
  return new GatewayError(
    'configuration',
    `${file} ${what}: ${error.message}${where(file, error.at)}`,
  )
}

function evaluationFailed(
  file: string,
  problem: PythonProblem,
  python: string | null,
): GatewayError {
  const at = place(problem.file ?? file, problem.line)
  const ran = python ?? 'Python'
  const text = {
    syntax: `${at}: syntax error: ${problem.message}`,
    import: `${at}: ${problem.message} (run by ${ran}). Install it for that Python, or name another with --python or DASK_GATEWAY_PYTHON`,
    exit: `${at}: ${problem.message}; a configuration must run to its end`,
    unreadable: `${at} cannot be read: ${problem.message}`,
    raised: `${at}: ${problem.message}`,
    value: `${at}: ${problem.message}`,
  }[problem.kind]
  return new GatewayError('configuration', text)
}

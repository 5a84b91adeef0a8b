import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from '../../core/index.ts'
import { shellWords } from '../../util/index.ts'

export type ResolvedCommand =
  | { readonly argv: readonly string[]; readonly note: string | null }
  | { readonly refused: string }

/** Where a child would look for programs. */
export interface CommandPlace {
  readonly path: string
  readonly home: string
  readonly directory: string
  /** The first of these paths that is a program the child may run; null: none is. */
  readonly firstProgram: (paths: readonly string[]) => Promise<string | null>
}

/**
 * The program and its arguments, the program as an absolute path. `dask-scheduler` and `dask-worker` are no longer
 * installed by Dask, but still named in guides: `dask scheduler` and `dask worker` stand in for them.
 */
export async function resolveCommand(
  setting: 'scheduler_cmd' | 'worker_cmd',
  command: Command,
  place: CommandPlace,
): Promise<ResolvedCommand> {
  const words = wordsOf(command)
  if (words === null) return { refused: `${setting}: a quotation in ${command} is not closed` }
  const [given = '', ...rest] = words
  const name = given.startsWith('~/') ? join(place.home, given.slice(2)) : given
  const program = await findProgram(name, place)
  if (program !== null) return { argv: [program, ...rest], note: null }
  const role = /^dask-(scheduler|worker)$/.exec(basename(name))?.[1]
  const dask =
    role === undefined
      ? null
      : ((await findProgram(join(dirname(name), 'dask'), place)) ??
        (await findProgram('dask', place)))
  if (role !== undefined && dask !== null)
    return {
      argv: [dask, role, ...rest],
      note: `${setting}: ${given} does not exist; ${dask} ${role} runs instead`,
    }
  return {
    refused: name.includes('/')
      ? `${setting}: '${given}' is not a program that can be run`
      : `${setting}: '${given}' was not found on PATH (${place.path})`,
  }
}

function wordsOf(command: Command): readonly string[] | null {
  if (typeof command !== 'string') return command
  try {
    return shellWords(command)
  } catch {
    return null
  }
}

async function findProgram(name: string, place: CommandPlace): Promise<string | null> {
  if (name === '') return null
  const folders = name.includes('/') ? [''] : place.path.split(':')
  return await place.firstProgram(folders.map((folder) => resolve(place.directory, folder, name)))
}

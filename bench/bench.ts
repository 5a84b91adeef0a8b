import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../scripts/lib/bundle.ts'

export const root = join(import.meta.dirname, '..')

/** Our programs as `dist/` has them, and `idle-gateway`. */
export const benchPrograms = join(root, 'dist.bench')

/** Makes them from `src/` as it is. */
export async function buildPrograms(): Promise<void> {
  rmSync(benchPrograms, { recursive: true, force: true })
  await bundle(benchPrograms, { 'cli/idle-gateway': 'bench/idle-gateway.ts' })
}

/** Dask and the unmodified client, for what both servers start. */
export const daskPython = process.env.DASK_GATEWAY_TEST_PYTHON ?? join(root, '.venv/bin/python')
export const oldPython = join(root, '.venv-old/bin/python')

/** What a row is given: how much to measure, a place for files, and the promise that all is taken away after it. */
export interface Bench {
  readonly rounds: number
  /** A part of the work, to see that a row runs. */
  readonly quick: boolean
  /** How long one sample of a load lasts, in whole seconds. */
  readonly loadSeconds: number
  readonly signal: AbortSignal
  /** A new directory that both servers' account may write. */
  directory(name: string): string
  /** To be done at the end of the row, the last first, whatever happens. */
  atEnd(undo: () => Promise<void> | void): void
}

/** Runs `act` with a bench of its own and takes everything away after it. */
export async function withBench<T>(
  options: Pick<Bench, 'rounds' | 'quick' | 'loadSeconds' | 'signal'>,
  act: (bench: Bench) => Promise<T>,
): Promise<T> {
  const temporary = mkdtempSync(join(tmpdir(), 'dgb-'))
  chmodSync(temporary, 0o711)
  const undo: (() => Promise<void> | void)[] = []
  try {
    return await act({
      ...options,
      directory(name) {
        const path = join(temporary, name)
        mkdirSync(path)
        giveToServers(path)
        return path
      },
      atEnd: (each) => void undo.push(each),
    })
  } finally {
    for (const each of undo.toReversed()) await each()
    rmSync(temporary, { recursive: true, force: true })
  }
}

const nobody = 65534

/** Servers run as nobody when the bench runs as root; so must their files be. */
export function giveToServers(path: string): void {
  own(path, nobody)
}

/** The other way round: a database is opened by its owner only. */
export function takeFromServers(path: string): void {
  own(path, 0)
}

function own(path: string, id: number): void {
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${id}:${id}`, path])
}

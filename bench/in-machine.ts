import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Bench, root } from './bench.ts'

/** Runs a program of the bench by `machine`, inside a machine of its own; what it says is shown, its last line is JSON. */
export async function inMachine<T>(
  { signal }: Bench,
  machine: string,
  program: string,
  words: readonly (string | number)[],
  environment: NodeJS.ProcessEnv = {},
): Promise<T> {
  const command = [process.execPath, join(root, 'bench', program), ...words.map(String)]
  const { stdout } = await promisify(execFile)(machine, command, {
    env: { ...process.env, ...environment },
    timeout: 40 * 60_000,
    signal,
    maxBuffer: 1 << 26,
  })
  process.stdout.write(stdout)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { python, root } from './harness.ts'
import { processesIn } from './processes.ts'

export interface CommandResult {
  /** The exit status; null when a signal ended it, as the limit does. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** Its working directory; `tmp` in it is its TMPDIR. */
  readonly directory: string
  readonly env?: NodeJS.ProcessEnv
  /** What runs the command; by default it runs as nobody when the tests run as root. */
  readonly by?: readonly string[]
  readonly limitMs?: number
}

/** Runs `bin/dask-gateway-server` to its end. */
export function runCommand(
  argv: readonly string[],
  { directory, env = {}, by = [asNobody], limitMs = 120_000 }: CommandOptions,
): Promise<CommandResult> {
  const temporary = temporaryOf(directory)
  mkdirSync(temporary, { recursive: true })
  chmodSync(temporary, 0o1777)
  const [file = '', ...rest] = [...by, join(root, 'bin/dask-gateway-server'), ...argv]
  return new Promise((resolve) => {
    execFile(
      file,
      rest,
      {
        cwd: directory,
        timeout: limitMs,
        killSignal: 'SIGKILL',
        env: {
          PATH: `${join(python, '..')}:/usr/bin:/bin`,
          LANG: 'C.UTF-8',
          HOME: directory,
          TMPDIR: temporary,
          ...env,
        },
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null
        resolve({ status, stdout, stderr })
      },
    )
  })
}

export const asNobody = join(root, 'test/e2e/as-nobody')

function temporaryOf(directory: string): string {
  return join(directory, 'tmp')
}

/** What a command left that has ended: its processes, sockets, and what is in its TMPDIR. */
export function leftBehind(directory: string): readonly string[] {
  const sockets = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSocket())
    .map((entry) => join(entry.parentPath, entry.name))
  // A folder that Node makes once for all its processes.
  const temporary = readdirSync(temporaryOf(directory)).filter(
    (name) => name !== 'node-compile-cache',
  )
  return [
    ...processesIn(directory).map(({ pid, command }) => `${pid} ${command}`),
    ...sockets,
    ...temporary,
  ]
}

import { execFile, spawnSync } from 'node:child_process'
import { test } from 'node:test'

export interface CommandResult {
  /** The exit status; null when a signal ended it, as the limit does. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the tests of a file (an ordinary file of node:test) inside a machine of its own, made by the script `machine`, as root; they
 * are reported as those of the test file that calls this. That file does nothing else, so that no test stands inside and outside.
 */
export function testsInMachine(
  machine: string,
  file: string,
  environment: NodeJS.ProcessEnv,
): void {
  if (process.getuid?.() !== 0) {
    test(`in ${machine}`, { skip: 'needs root' }, () => undefined)
    return
  }
  const { status, signal } = spawnSync(machine, [process.execPath, ...process.execArgv, file], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  if (signal !== null) console.error(`${machine} was ended by ${signal}`)
  process.exitCode = status ?? 1
}

/** How a command is begun, inside, as one of its ordinary users, in the home directory, with nothing of our environment. */
export function asUser(name: string): readonly string[] {
  const identity = [`--reuid=${name}`, `--regid=${name}`, '--init-groups', '--reset-env']
  return ['setpriv', ...identity, '--', 'env', '--chdir', `/home/${name}`, 'LANG=C.UTF-8']
}

/** Runs a command to its end, inside, as an ordinary user. */
export function runAs(
  name: string,
  command: readonly string[],
  options: { readonly input?: string; readonly limitMs?: number } = {},
): Promise<CommandResult> {
  return execute([...asUser(name), ...command], options)
}

/** Runs a command to its end, inside, as root; its output. Throws with its words when it fails. */
export async function runAsRoot(...command: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await execute(command, {})
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}${stdout}`)
  return stdout
}

/** Runs a command to its end; `limitMs` is two minutes when absent. */
export function execute(
  [program = '', ...rest]: readonly string[],
  options: {
    readonly input?: string
    readonly limitMs?: number
    readonly environment?: NodeJS.ProcessEnv
  },
): Promise<CommandResult> {
  const { input = '', limitMs: timeout = 120_000, environment: env = process.env } = options
  return new Promise((done) => {
    const how = { timeout, killSignal: 'SIGKILL', env, maxBuffer: 64 << 20 } as const
    const child = execFile(program, rest, how, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : null
      done({ status, stdout, stderr })
    })
    // Whoever does not read its input may have ended already.
    child.stdin?.on('error', () => undefined).end(input)
  })
}

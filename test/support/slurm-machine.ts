import { execFile, spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
const scripts = join(root, 'scripts/slurm')

export interface SlurmOptions {
  /** n0, n1, …; 2 when absent. */
  readonly nodes?: number
  /** Lines of slurm.conf, in place of those of scripts/slurm/configuration that set the same. */
  readonly lines?: readonly string[]
  /** What a user may have queued and running, as a site's MaxSubmitJobs. */
  readonly jobsPerUser?: number
}

export interface CommandResult {
  /** The exit status; null when a signal ended it, as the limit does. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the tests of a file (an ordinary file of node:test) inside a machine with Slurm, as root; they are reported as those of
 * the test file that calls this. That file does nothing else, so that no test stands inside and outside.
 */
export function testsInSlurmMachine(file: string, options: SlurmOptions = {}): void {
  if (process.getuid?.() !== 0) {
    test('on a real Slurm', { skip: 'needs root' }, () => undefined)
    return
  }
  const { status, signal } = spawnSync(
    join(scripts, 'machine'),
    [process.execPath, ...process.execArgv, file],
    { stdio: 'inherit', env: { ...process.env, ...environmentOf(options) } },
  )
  if (signal !== null) console.error(`the machine with Slurm was ended by ${signal}`)
  process.exitCode = status ?? 1
}

/** Runs one command as root on a new machine with Slurm, which is gone when it has ended. */
export function runInSlurmMachine(
  command: readonly string[],
  options: SlurmOptions & { readonly limitMs?: number } = {},
): Promise<CommandResult> {
  return execute([join(scripts, 'machine'), ...command], {
    ...(options.limitMs === undefined ? {} : { limitMs: options.limitMs }),
    environment: { ...process.env, ...environmentOf(options) },
  })
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

/**
 * Daemons are munged, slurmctld and a node's name (its slurmd). Done when a started one answers and a stopped one is gone; a
 * killed node is a power cut: its jobs are gone without a word, which the controller notices after SlurmdTimeout.
 */
export function daemon(verb: 'start' | 'stop' | 'kill', ...names: string[]): Promise<string> {
  return runAsRoot(join(scripts, 'daemon'), verb, ...names)
}

/** What an administrator says of a node; RESUME takes it back. DOWN ends its jobs at once, as a node that failed. */
export async function setNode(name: string, state: 'DOWN' | 'DRAIN' | 'RESUME'): Promise<void> {
  const reason = state === 'RESUME' ? [] : ['Reason=test']
  const words = ['scontrol', 'update', `NodeName=${name}`, `State=${state}`, ...reason]
  const { status, stderr } = await execute(words, {})
  // Of a node that Slurm has taken back by itself, as it does with ReturnToService=2.
  if (state === 'RESUME' && stderr.includes('Invalid node state specified')) return
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`)
}

/** Slurm's own logs, for a test that failed. */
export function slurmLogs(): Promise<string> {
  return runAsRoot('sh', '-c', 'tail -n 200 -- /var/log/slurm/*.log')
}

function environmentOf({ nodes, lines, jobsPerUser }: SlurmOptions): NodeJS.ProcessEnv {
  return {
    QUEUE_NODES: nodes?.toString() ?? '',
    QUEUE_LINES: lines?.join('\n') ?? '',
    QUEUE_JOBS_PER_USER: jobsPerUser?.toString() ?? '',
  }
}

function execute(
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

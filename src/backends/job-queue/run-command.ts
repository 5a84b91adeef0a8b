import { spawn } from 'node:child_process'
import { GatewayError } from '../../core/index.ts'
import type { CommandAnswer } from './seen-job.ts'

export interface CommandRun {
  readonly argv: readonly [string, ...string[]]
  /** Written to its standard input. */
  readonly input?: string
  readonly limitMs: number
  readonly signal: AbortSignal
}

const mostBytes = 192 * 1024 * 1024

/**
 * Runs a command of the system, without a shell and with nothing of the gateway's environment, to its end. Throws when it
 * cannot be run, is killed or takes too long: then it is not known what it did. One that may not be killed (sudo is
 * root's) is left behind; it has a limit of its own.
 */
export function runCommand(run: CommandRun): Promise<CommandAnswer> {
  const { argv, input = '', limitMs, signal } = run
  const [program, ...args] = argv
  const fail = (why: string, cause?: unknown) =>
    new GatewayError('unavailable', `${program} ${why}`, { cause })
  return new Promise((resolve, reject) => {
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/pbs/bin',
      LANG: 'C.UTF-8',
    }
    const child = spawn(program, args, { env, cwd: '/', stdio: 'pipe' })
    const output: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] }
    let bytes = 0
    const giveUp = (error: GatewayError) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      for (const stream of child.stdio) stream?.destroy()
      child.kill('SIGTERM')
      child.unref()
      reject(error)
    }
    const onAbort = () => giveUp(fail('was given up', signal.reason))
    const timer = setTimeout(() => giveUp(fail(`took more than ${limitMs / 1000} s`)), limitMs)
    signal.addEventListener('abort', onAbort)
    child.on('error', (error) => giveUp(fail(`cannot be run: ${error.message}`, error)))
    // It may end before it has read everything.
    child.stdin.on('error', () => {})
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) giveUp(fail('printed too much'))
        else output[name].push(chunk)
      })
    child.on('close', (code, killedBy) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if (code === null) return reject(fail(`was killed by ${killedBy}`))
      const text = (name: 'stdout' | 'stderr') => Buffer.concat(output[name]).toString('utf8')
      resolve({ exitCode: code, stdout: text('stdout'), stderr: text('stderr') })
    })
    child.stdin.end(input)
    if (signal.aborted) onAbort()
  })
}

import { spawn } from 'node:child_process'
import type { CommandOutcome } from './protocol.ts'

export interface CommandRun {
  readonly path: string
  readonly argv: readonly string[]
  readonly stdin: string
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  readonly limitMs: number
  /** Of each output stream; what comes after is read and dropped. */
  readonly outputBytes: number
}

export type CommandEnd = CommandOutcome & { readonly cut: boolean }

/**
 * Runs a command to its end, without a shell. When its time is over, kills it and all it started: of unknown outcome. One that
 * cannot be begun has answered 127, as a shell has it.
 */
export async function runCommand(run: CommandRun): Promise<CommandEnd> {
  try {
    return await runToEnd(run)
  } catch (error) {
    if (!(error instanceof NotBegun)) throw error
    const stderr = `${run.path} cannot be run: ${error.message}`
    return { outcome: 'answered', returncode: 127, stdout: '', stderr, cut: false }
  }
}

class NotBegun extends Error {}

function runToEnd(run: CommandRun): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const child = begin(run)
    const stdout = collect(child.stdout, run.outputBytes)
    const stderr = collect(child.stderr, run.outputBytes)
    let late = false
    const kill = () => {
      late = true
      killGroup(child.pid)
      // Not even that ends a process that waits for a file system.
      setTimeout(() => finish(null, 'SIGKILL'), 5000).unref()
    }
    const timer = setTimeout(kill, Math.max(0, run.limitMs))
    const end = (value: CommandEnd) => {
      clearTimeout(timer)
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
      resolve(value)
    }
    child.on('error', (error) => {
      // With an id it has begun: that a kill failed says nothing of it.
      if (child.pid !== undefined) return
      clearTimeout(timer)
      reject(new NotBegun(error.message))
    })
    const finish = (code: number | null, signal: string | null) => {
      if (code !== null && !late)
        return end({
          outcome: 'answered',
          returncode: code,
          stdout: stdout.text(),
          stderr: stderr.text(),
          cut: stdout.isCut(),
        })
      const why = late ? `was not done after ${run.limitMs} ms` : `was ended by ${signal}`
      end({ outcome: 'unknown', error: `${run.path} ${why}. ${stderr.text()}`.trim(), cut: false })
    }
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      // Something that it started may hold its output open.
      const patience = setTimeout(() => finish(code, signal), 1000)
      child.on('close', () => {
        clearTimeout(patience)
        finish(code, signal)
      })
    })
    // It need not read a script that it refuses.
    child.stdin.on('error', () => {})
    child.stdin.end(run.stdin)
  })
}

function begin(run: CommandRun) {
  try {
    return spawn(run.path, run.argv, {
      cwd: run.directory,
      env: run.environment,
      // A process group of its own, to be killed as one.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  } catch (error) {
    // Node throws what it does not expect of a system, such as arguments that are too long.
    throw new NotBegun(String(error))
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}

function collect(stream: NodeJS.ReadableStream, limit: number) {
  const chunks: Buffer[] = []
  let length = 0
  stream.on('data', (chunk: Buffer) => {
    if (length < limit) chunks.push(chunk.subarray(0, limit - length))
    length += chunk.length
  })
  return { text: () => Buffer.concat(chunks).toString('utf8'), isCut: () => length > limit }
}

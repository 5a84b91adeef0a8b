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

/** Runs a command to its end, without a shell. When its time is over, kills it and all it started: of unknown outcome. */
export function runCommand(run: CommandRun): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const child = spawn(run.path, run.argv, {
      cwd: run.directory,
      env: run.environment,
      // A process group of its own, to be killed as one.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const stdout = collect(child.stdout, run.outputBytes)
    const stderr = collect(child.stderr, run.outputBytes)
    let late = false
    const kill = () => {
      late = true
      killGroup(child.pid)
    }
    const timer = setTimeout(kill, Math.max(0, run.limitMs))
    const answered = (returncode: number, note: string): CommandEnd => ({
      outcome: 'answered',
      returncode,
      stdout: stdout.text(),
      stderr: stderr.text() + note,
      cut: stdout.isCut(),
    })
    const end = (value: CommandEnd) => {
      clearTimeout(timer)
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
      resolve(value)
    }
    child.on('error', (error) => {
      // With an id it has begun: that a kill failed says nothing of it.
      if (child.pid === undefined) end(answered(127, `${run.path} cannot be run: ${error.message}`))
    })
    const finish = (code: number | null, signal: string | null) => {
      if (code !== null && !late) return end(answered(code, ''))
      const why = late ? `was not done after ${run.limitMs} ms` : `was ended by ${signal}`
      end({ outcome: 'unknown', error: `${run.path} ${why}. ${stderr.text()}`.trim(), cut: false })
    }
    child.on('exit', (code, signal) => {
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

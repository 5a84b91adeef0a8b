import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { GatewayError, type Json, type Logger, messageOf } from '../core/index.ts'

/** What a child is asked; see python/dask_gateway_evaluator/serve.py. */
export type PythonRequest =
  | {
      readonly do: 'evaluate'
      readonly file: string
      /** Texts (base64) that replace the files, so that every child sees what the first one saw. */
      readonly sources: { readonly [path: string]: string }
    }
  | ({ readonly file: string; readonly class: string; readonly user: Json } & (
      | { readonly do: 'fields' }
      | { readonly do: 'settings'; readonly values: Json }
    ))

export interface PythonReply {
  readonly error?: PythonProblem
  readonly [member: string]: unknown
}

export interface PythonProblem {
  readonly kind: 'syntax' | 'import' | 'exit' | 'unreadable' | 'raised' | 'value'
  readonly message: string
  readonly file?: string | null
  readonly line?: number | null
}

/** A child took too long, or ended: `at` is where Python was, when that is known. */
export class PythonGone extends Error {
  override readonly name = 'PythonGone'
  readonly kind: 'timeout' | 'ended'
  readonly at: readonly Place[]

  constructor(kind: 'timeout' | 'ended', message: string, at: readonly Place[] = []) {
    super(message)
    this.kind = kind
    this.at = at
  }
}

export interface Place {
  readonly file: string
  readonly line: number
}

/** One Python process. It serves one request at a time; one that takes too long ends it. */
export interface PythonChild {
  /** "Python 3.11.7, /usr/bin/python3" */
  readonly description: string
  readonly alive: boolean
  ask(request: PythonRequest, limitMs: number): Promise<PythonReply>
  /** Lets it end, or ends it. */
  close(): Promise<void>
}

interface Waiting {
  readonly id: number
  readonly resolve: (reply: PythonReply) => void
  readonly reject: (error: Error) => void
}

const evaluator = join(import.meta.dirname, '../../python/evaluator.py')
const helloLimitMs = 30_000
const closeLimitMs = 2_000
// The child writes its stack when the limit is over; this is how long that may take.
const graceMs = 1_000

/** Starts a child and waits for its greeting. Throws 'configuration' when `python` is no Python 3.9 or newer. */
export async function startPythonChild(python: string, logger: Logger): Promise<PythonChild> {
  // A group of its own: the terminal's Ctrl-C is the gateway's affair, and what a handler started ends with it.
  const child = spawn(python, [evaluator], { stdio: 'pipe', detached: true })
  const stderr = watchStderr(child, logger)
  const ended = endOf(child)
  const lines = createInterface({ input: child.stdout })
  let waiting: Waiting | null = null
  let alive = true
  let asked = 0
  child.stdin.on('error', () => {}) // a child that is gone is known by its end
  const hello = Promise.withResolvers<{ readonly version: string; readonly executable: string }>()
  lines.once('line', (line) => {
    try {
      hello.resolve(JSON.parse(line))
    } catch {
      hello.reject(new Error(`it said ${line.slice(0, 100)}`))
    }
    lines.on('line', (text) => {
      const { id, reply } = JSON.parse(text) as { id: number; reply: PythonReply }
      if (waiting?.id === id) waiting.resolve(reply)
    })
  })
  void ended.then((how) => {
    alive = false
    hello.reject(new Error(`it ended (${how}) ${stderr.text()}`))
    waiting?.reject(new PythonGone('ended', how))
  })
  const kill = () => {
    alive = false
    killGroup(child)
  }
  const description = await greeting(python, hello.promise, kill)

  return {
    description,
    get alive() {
      return alive
    },
    async ask(request, limitMs) {
      if (!alive) throw new PythonGone('ended', 'before it was asked')
      asked += 1
      const { promise, resolve, reject } = Promise.withResolvers<PythonReply>()
      waiting = { id: asked, resolve, reject }
      const mark = stderr.mark()
      const timer = setTimeout(() => {
        kill()
        reject(new PythonGone('timeout', `no answer in ${limitMs / 1000} s`, mark.places()))
      }, limitMs + graceMs)
      child.stdin.write(`${JSON.stringify({ ...request, id: asked, limit: limitMs / 1000 })}\n`)
      try {
        // The stack on standard error tells the end of the limit; the reply may still win the race.
        return await Promise.race([
          promise,
          mark.dumped.then((places) => {
            kill()
            throw new PythonGone('timeout', `no answer in ${limitMs / 1000} s`, places)
          }),
        ])
      } finally {
        clearTimeout(timer)
        mark.forget()
        waiting = null
      }
    },
    async close() {
      alive = false
      child.stdin.end()
      const timer = setTimeout(kill, closeLimitMs)
      await ended
      clearTimeout(timer)
      kill() // what a handler left behind in its group
    },
  }
}

async function greeting(
  python: string,
  hello: Promise<{ readonly version: string; readonly executable: string }>,
  kill: () => void,
): Promise<string> {
  const timer = setTimeout(kill, helloLimitMs)
  try {
    const { version, executable } = await hello
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major > 3 || (major === 3 && minor >= 9))
      return `Python ${version}, ${executable || python}`
    kill()
    throw new GatewayError(
      'configuration',
      `${python} is Python ${version}; configurations need Python 3.9 or newer. Name one with --python or DASK_GATEWAY_PYTHON.`,
    )
  } catch (error) {
    if (error instanceof GatewayError) throw error
    kill()
    throw new GatewayError(
      'configuration',
      `${python} could not be started as a Python: ${messageOf(error).trim()}. Name a Python 3.9 or newer with --python or DASK_GATEWAY_PYTHON.`,
    )
  } finally {
    clearTimeout(timer)
  }
}

function endOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)))
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    )
  })
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
  child.stdout.destroy()
  child.stderr.destroy()
}

/** Standard error goes to the log, line by line. A stack that faulthandler writes is recognised. */
function watchStderr(child: ChildProcessWithoutNullStreams, logger: Logger) {
  const recent: string[] = []
  let listener: ((line: string) => void) | null = null
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (recent.push(line) > 200) recent.shift()
    if (line.trim() !== '') logger.info(line, { from: 'configuration' })
    listener?.(line)
  })
  return {
    text: () => recent.slice(-5).join(' '),
    mark() {
      const places: Place[] = []
      const dumped = Promise.withResolvers<readonly Place[]>()
      let dumping = false
      listener = (line) => {
        if (line.startsWith('Timeout (')) dumping = true
        const match = /^ {2}File "(.+)", line (\d+) in (.+)$/.exec(line)
        if (!dumping || match === null) return
        places.push({ file: match[1] ?? '', line: Number(match[2]) })
        // The outermost frame of the evaluator is the last line of the main thread's stack.
        if (match[1] === evaluator && match[3] === '<module>') dumped.resolve(places)
      }
      return {
        dumped: dumped.promise,
        places: () => places,
        forget: () => {
          listener = null
        },
      }
    },
  }
}

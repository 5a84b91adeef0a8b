import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { GatewayError, type Json, type Logger, messageOf } from '../core/index.ts'
import { packageFolder } from '../util/index.ts'
import { type PythonStderr, watchStderr } from './python-stderr.ts'

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

export interface Place {
  readonly file: string
  readonly line: number
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

const evaluator = join(packageFolder, 'python/evaluator.py')
const helloLimitMs = 30_000
const closeLimitMs = 2_000
// The child writes its stack when the limit is over; this is how long that may take.
const graceMs = 1_000
// A process that has ended may have left its pipes to others.
const drainMs = 250

interface Waiting {
  readonly id: number
  readonly reply: PromiseWithResolvers<PythonReply>
}

/** One Python process. It serves one request at a time; one that takes too long ends it. */
export class PythonChild {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #stderr: PythonStderr
  readonly #ended: Promise<string>
  readonly #hello = Promise.withResolvers<{ version: string; executable: string }>()
  #waiting: Waiting | null = null
  #greeted = false
  #alive = true
  #trusted = true
  #asked = 0
  #description = ''

  /** Throws 'configuration' when `python` is no Python 3.9 or newer. */
  static async start(python: string, logger: Logger): Promise<PythonChild> {
    const child = new PythonChild(python, logger)
    const timer = setTimeout(() => child.#kill(), helloLimitMs)
    try {
      await child.#greeting(python)
      return child
    } catch (error) {
      child.#kill()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private constructor(python: string, logger: Logger) {
    // A group of its own: the terminal's Ctrl-C is the gateway's affair, and what a handler started ends with it.
    this.#process = spawn(python, [evaluator], { stdio: 'pipe', detached: true })
    this.#stderr = watchStderr(this.#process.stderr, logger)
    this.#ended = endOf(this.#process)
    this.#process.stdin.on('error', () => {}) // a child that is gone is known by its end
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#hear(line))
    this.#process.once('exit', () => {
      this.#alive = false
    })
    void this.#ended.then((how) => {
      this.#alive = false
      this.#hello.reject(new Error(`it ended (${how}) ${this.#stderr.recent()}`))
      this.#waiting?.reply.reject(new PythonGone('ended', how))
    })
  }

  /** "Python 3.11.7, /usr/bin/python3" */
  get description(): string {
    return this.#description
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Throws PythonGone when there is no answer in time, or the process ends. */
  async ask(request: PythonRequest, limitMs: number): Promise<PythonReply> {
    if (!this.#alive) throw new PythonGone('ended', 'before it was asked')
    this.#asked += 1
    const id = this.#asked
    const reply = Promise.withResolvers<PythonReply>()
    this.#waiting = { id, reply }
    const late = (at: readonly Place[]) => {
      this.#kill()
      reply.reject(new PythonGone('timeout', `no answer in ${limitMs / 1000} s`, at))
    }
    // The stack on standard error tells that the time is over, and where Python was; the timer is for when it does not come.
    const stack = this.#stderr.listen(late)
    const timer = setTimeout(() => late(stack.places), limitMs + graceMs)
    this.#process.stdin.write(`${JSON.stringify({ ...request, id, limit: limitMs / 1000 })}\n`)
    try {
      return await reply.promise
    } finally {
      clearTimeout(timer)
      stack.stop()
      this.#waiting = null
    }
  }

  /** Lets it end when it has answered what it was asked, or ends it. */
  async close(): Promise<void> {
    this.#alive = false
    this.#process.stdin.end()
    const timer = setTimeout(() => this.#kill(), closeLimitMs)
    await this.#ended
    clearTimeout(timer)
    this.#kill() // what a handler left behind in its group
  }

  #hear(line: string): void {
    if (!this.#trusted) return
    try {
      const said = JSON.parse(line)
      if (this.#greeted) {
        if (this.#waiting?.id === said.id) this.#waiting?.reply.resolve(said.reply)
      } else this.#hello.resolve(said)
      this.#greeted = true
    } catch {
      this.#hello.reject(new Error(`it said ${line.slice(0, 100)}`))
      this.#trusted = false // somebody wrote between the replies: nothing after that counts, even if it has come already
      this.#kill()
    }
  }

  async #greeting(python: string): Promise<void> {
    const { version, executable } = await this.#hello.promise.catch((error: unknown) => {
      throw new GatewayError(
        'configuration',
        `${python} could not be started as a Python: ${messageOf(error).trim()}. Name a Python 3.9 or newer with --python or DASK_GATEWAY_PYTHON.`,
      )
    })
    this.#description = `Python ${version}, ${executable || python}`
    const [major = 0, minor = 0] = String(version).split('.').map(Number)
    if (major > 3 || (major === 3 && minor >= 9)) return
    throw new GatewayError(
      'configuration',
      `${python} is Python ${version}; configurations need Python 3.9 or newer. Name one with --python or DASK_GATEWAY_PYTHON.`,
    )
  }

  #kill(): void {
    this.#alive = false
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
    this.#process.stdout.destroy()
    this.#process.stderr.destroy()
  }
}

/** How it ended, once what it wrote has been read, or cannot be waited for. */
function endOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)))
    child.once('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`
      const timer = setTimeout(() => resolve(how), drainMs)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(how)
      })
    })
  })
}

import type { Logger } from '../core/index.ts'
import { findPython } from './find-python.ts'
import { PythonChild, PythonGone, type PythonReply, type PythonRequest } from './python-child.ts'
import type { ConfigurationRequest } from './read-layers.ts'

export interface PythonPoolSettings {
  readonly findPython: () => string
  readonly logger: Logger
  readonly evaluationLimitMs: number
}

export const defaultEvaluationLimitMs = 60_000

/** The pool of one reading of a configuration. */
export function poolFor(request: ConfigurationRequest): PythonPool {
  return new PythonPool({
    findPython: () => findPython(request.python),
    logger: request.logger,
    evaluationLimitMs: request.evaluationLimitMs ?? defaultEvaluationLimitMs,
  })
}

// As many as are kept; and, while those are stuck, as many as there may be.
const usual = 2
const most = 8
// A request that has waited so long gets a process more.
const patienceMs = 1_000

/**
 * The Python processes of one configuration. The first is started by the first evaluation; more are started when
 * requests wait, and each is given the same files, with the texts that the first one saw. A process that hangs or dies
 * hurts its own request only.
 */
export class PythonPool {
  readonly #settings: PythonPoolSettings
  readonly #evaluated = new Map<string, { readonly [path: string]: string }>()
  readonly #children = new Set<PythonChild>()
  readonly #idle: PythonChild[] = []
  readonly #queue: PromiseWithResolvers<PythonChild>[] = []
  #starting = 0
  #closed = false
  #description: string | null = null

  constructor(settings: PythonPoolSettings) {
    this.#settings = settings
  }

  /** "Python 3.11.7, /usr/bin/python3"; null while none has been started. */
  get description(): string | null {
    return this.#description
  }

  /** Starts one that will be needed. That it cannot be started is told to who asks for it. */
  begin(): void {
    this.#startUpTo(1)
  }

  async evaluate(file: string): Promise<PythonReply> {
    const request: PythonRequest = { do: 'evaluate', file, sources: {} }
    const reply = await this.ask(request, this.#settings.evaluationLimitMs)
    if (reply.error === undefined)
      this.#evaluated.set(file, reply.sources as { readonly [path: string]: string })
    return reply
  }

  /** Throws PythonGone when the process hung or died, or when none became free in time. */
  async ask(request: PythonRequest, limitMs: number): Promise<PythonReply> {
    if (this.#closed) throw closedError()
    const child = await this.#acquire(3 * limitMs + this.#settings.evaluationLimitMs)
    try {
      return await child.ask(request, limitMs)
    } finally {
      this.#release(child)
    }
  }

  /** Ends all. */
  async close(): Promise<void> {
    this.#refuse()
    await Promise.all([...this.#children].map((child) => this.#drop(child)))
  }

  /** Takes no new requests, and lets each process end when it has answered the one that it has. */
  async retire(): Promise<void> {
    const idle = this.#idle.splice(0)
    this.#refuse()
    await Promise.all(idle.map((child) => this.#drop(child)))
  }

  #refuse(): void {
    this.#closed = true
    this.#idle.length = 0
    for (const turn of this.#queue.splice(0)) turn.reject(closedError())
  }

  #acquire(limitMs: number): Promise<PythonChild> {
    for (let child = this.#idle.pop(); child !== undefined; child = this.#idle.pop()) {
      if (child.alive) return Promise.resolve(child)
      void this.#drop(child)
    }
    const turn = Promise.withResolvers<PythonChild>()
    this.#queue.push(turn)
    this.#startUpTo(usual)
    const more = setTimeout(() => this.#startUpTo(most), patienceMs)
    const limit = setTimeout(() => {
      this.#queue.splice(this.#queue.indexOf(turn), 1)
      turn.reject(new PythonGone('timeout', 'all its processes are busy'))
    }, limitMs)
    return turn.promise.finally(() => {
      clearTimeout(more)
      clearTimeout(limit)
    })
  }

  #release(child: PythonChild): void {
    if (!child.alive || this.#closed) {
      void this.#drop(child)
      if (this.#queue.length > 0) this.#startUpTo(usual)
      return
    }
    const next = this.#queue.shift()
    if (next !== undefined) next.resolve(child)
    else if (this.#children.size > usual) void this.#drop(child)
    else this.#idle.push(child)
  }

  /** Starts one, unless there are as many already, or one for each that waits; it goes to the first of them. */
  #startUpTo(count: number): void {
    if (this.#closed || this.#children.size + this.#starting >= count) return
    if (this.#starting > 0 && this.#starting >= this.#queue.length) return
    void this.#start().then(
      (child) => this.#release(child),
      (error) => this.#queue.shift()?.reject(error),
    )
  }

  async #start(): Promise<PythonChild> {
    this.#starting += 1
    const { findPython, logger } = this.#settings
    const child = await (async () => PythonChild.start(findPython(), logger))().finally(() => {
      this.#starting -= 1
    })
    this.#description = child.description
    this.#children.add(child)
    try {
      if (this.#closed) throw closedError()
      for (const [file, sources] of this.#evaluated) await this.#replay(child, file, sources)
      return child
    } catch (error) {
      await this.#drop(child)
      throw error
    }
  }

  async #replay(
    child: PythonChild,
    file: string,
    sources: { readonly [path: string]: string },
  ): Promise<void> {
    const request: PythonRequest = { do: 'evaluate', file, sources }
    const reply = await child.ask(request, this.#settings.evaluationLimitMs)
    if (reply.error !== undefined)
      throw new PythonGone('ended', `${file} failed when it ran again: ${reply.error.message}`)
  }

  async #drop(child: PythonChild): Promise<void> {
    this.#children.delete(child)
    await child.close()
  }
}

const closedError = () => new PythonGone('ended', 'the configuration was closed')

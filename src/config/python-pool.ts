import type { Logger } from '../core/index.ts'
import {
  type PythonChild,
  PythonGone,
  type PythonReply,
  type PythonRequest,
  startPythonChild,
} from './python-child.ts'

/**
 * The Python processes of one configuration. The first is started by the first evaluation; more are started when
 * requests wait, and each is given the same files, with the texts that the first one saw. A process that hangs or dies
 * hurts its own request only.
 */
export interface PythonPool {
  evaluate(file: string): Promise<PythonReply>
  /** Throws PythonGone when the process hung or died, or when none became free in time. */
  ask(request: PythonRequest, limitMs: number): Promise<PythonReply>
  /** "Python 3.11.7, /usr/bin/python3"; null while none has been started. */
  description(): string | null
  /** Ends all. */
  close(): Promise<void>
  /** Takes no new requests, and lets each process end when it has answered those that it has. */
  retire(): Promise<void>
}

export interface PythonPoolSettings {
  readonly findPython: () => string
  readonly logger: Logger
  readonly evaluationLimitMs: number
}

// As many as are kept; and, while those are stuck, as many as there may be.
const usual = 2
const most = 8
// A request that has waited so long gets a process more.
const patienceMs = 1_000

export function createPythonPool(settings: PythonPoolSettings): PythonPool {
  const evaluated = new Map<string, { readonly [path: string]: string }>()
  const children = new Set<PythonChild>()
  const idle: PythonChild[] = []
  const queue: PromiseWithResolvers<PythonChild>[] = []
  let starting = 0
  let closed = false
  let description: string | null = null

  async function start(): Promise<PythonChild> {
    starting += 1
    const child = await startPythonChild(settings.findPython(), settings.logger).finally(() => {
      starting -= 1
    })
    description = child.description
    children.add(child)
    try {
      if (closed) throw closedError()
      for (const [file, sources] of evaluated) await replay(child, file, sources)
      return child
    } catch (error) {
      await drop(child)
      throw error
    }
  }

  async function replay(
    child: PythonChild,
    file: string,
    sources: { readonly [path: string]: string },
  ): Promise<void> {
    const reply = await child.ask({ do: 'evaluate', file, sources }, settings.evaluationLimitMs)
    if (reply.error !== undefined)
      throw new PythonGone('ended', `${file} failed when it ran again: ${reply.error.message}`)
  }

  /** Starts one for the first that waits. */
  function startForQueue(): void {
    void start().then(release, (error) => queue.shift()?.reject(error))
  }

  function acquire(limitMs: number): Promise<PythonChild> {
    for (let child = idle.pop(); child !== undefined; child = idle.pop()) {
      if (child.alive) return Promise.resolve(child)
      void drop(child)
    }
    const turn = Promise.withResolvers<PythonChild>()
    queue.push(turn)
    if (children.size + starting < usual) startForQueue()
    const more = setTimeout(() => {
      if (children.size + starting < most) startForQueue()
    }, patienceMs)
    const limit = setTimeout(() => {
      queue.splice(queue.indexOf(turn), 1)
      turn.reject(new PythonGone('timeout', 'all its processes are busy'))
    }, limitMs)
    return turn.promise.finally(() => {
      clearTimeout(more)
      clearTimeout(limit)
    })
  }

  function release(child: PythonChild): void {
    if (!child.alive || closed) {
      void drop(child)
      if (queue.length > 0 && children.size + starting < usual && !closed) startForQueue()
      return
    }
    const next = queue.shift()
    if (next !== undefined) next.resolve(child)
    else if (children.size > usual) void drop(child)
    else idle.push(child)
  }

  async function drop(child: PythonChild): Promise<void> {
    children.delete(child)
    await child.close()
  }

  async function ask(request: PythonRequest, limitMs: number): Promise<PythonReply> {
    if (closed) throw closedError()
    const child = await acquire(3 * limitMs + settings.evaluationLimitMs)
    try {
      return await child.ask(request, limitMs)
    } finally {
      release(child)
    }
  }

  return {
    async evaluate(file) {
      const request: PythonRequest = { do: 'evaluate', file, sources: {} }
      const reply = await ask(request, settings.evaluationLimitMs)
      if (reply.error === undefined)
        evaluated.set(file, reply.sources as { [path: string]: string })
      return reply
    },
    ask,
    description: () => description,
    async close() {
      closed = true
      for (const turn of queue.splice(0)) turn.reject(closedError())
      idle.length = 0
      await Promise.all([...children].map(drop))
    },
    async retire() {
      closed = true
      await Promise.all(idle.splice(0).map(drop))
    },
  }
}

const closedError = () => new PythonGone('ended', 'the configuration was closed')

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError, type Logger } from '../core/index.ts'
import type { Authentication } from './authentication.ts'
import { describeError } from './error-reply.ts'

/** One message of a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export interface ServerEvent {
  /** Where to go on after it: comes back as `Last-Event-ID`. One line of ASCII. */
  readonly id: string
  readonly event: string
  /** Sent as JSON, so that no text of users can end its line. */
  readonly data: unknown
}

/** Produces events until there are no more or `signal` aborts. It is asked for the next only when the last has been sent. */
export type EventSource = (signal: AbortSignal) => AsyncIterable<ServerEvent>

/** Answers that do not end: all that are open, with their limits. */
export interface EventStreams {
  /** Answers with the events of `source`. Throws 'unavailable' when too many are open. */
  serve(request: FastifyRequest, reply: FastifyReply, source: EventSource): void
  count(): number
}

export interface EventStreamLimits {
  readonly ofUser: number
  readonly inAll: number
  /** Comments are sent so often, that proxies see life and we see death. */
  readonly heartbeatMs: number
  /** Whoever reads nothing for so long is cut off. */
  readonly stuckMs: number
  /** Then a stream ends, and whoever wants more logs in anew. */
  readonly lifeMs: number
}

const defaultLimits: EventStreamLimits = {
  ofUser: 1000,
  inAll: 10_000,
  heartbeatMs: 15_000,
  stuckMs: 60_000,
  lifeMs: 60 * 60_000,
}

interface Open {
  readonly response: ServerResponse
  readonly username: string
  readonly end: () => void
  /** Whether the session or token that it was asked by has not ended meanwhile. */
  readonly isStillAllowed: () => boolean
  readonly until: number
}

export function createEventStreams(
  parts: {
    readonly authentication: Pick<Authentication, 'stillHolds'>
    readonly stopping: AbortSignal
    readonly logger: Logger
  },
  limits: EventStreamLimits = defaultLimits,
): EventStreams {
  const { authentication, stopping, logger } = parts
  const open = new Set<Open>()
  const ofUser = new Map<string, number>()

  // One timer for all of them, while there are any.
  let heart: NodeJS.Timeout | null = null
  function beat(): void {
    for (const stream of open) {
      if (performance.now() > stream.until || !stream.isStillAllowed()) stream.end()
      else if (!stream.response.writableNeedDrain) stream.response.write(':\n\n')
    }
  }
  stopping.addEventListener('abort', () => {
    for (const stream of open) stream.end()
  })

  function begin(request: FastifyRequest, response: ServerResponse, username: string) {
    const over = new AbortController()
    const { caller } = request
    const stream: Open = {
      response,
      username,
      end: () => over.abort(),
      isStillAllowed: () => caller === null || authentication.stillHolds(request.raw, caller),
      until: performance.now() + limits.lifeMs,
    }
    open.add(stream)
    ofUser.set(username, (ofUser.get(username) ?? 0) + 1)
    heart ??= setInterval(beat, limits.heartbeatMs)
    response.once('close', () => {
      over.abort()
      open.delete(stream)
      const others = (ofUser.get(username) ?? 1) - 1
      if (others === 0) ofUser.delete(username)
      else ofUser.set(username, others)
      if (open.size > 0 || heart === null) return
      clearInterval(heart)
      heart = null
    })
    return over.signal
  }

  /** Resolves when the next may be written; false: nobody reads. */
  async function sent(response: ServerResponse, text: string): Promise<boolean> {
    if (response.destroyed) return false
    if (response.write(text)) return true
    const stuck = setTimeout(() => response.destroy(), limits.stuckMs)
    try {
      await Promise.race([once(response, 'drain'), once(response, 'close')])
    } catch {
      return false
    } finally {
      clearTimeout(stuck)
    }
    return !response.destroyed
  }

  async function pour(
    request: FastifyRequest,
    response: ServerResponse,
    signal: AbortSignal,
    source: EventSource,
  ): Promise<void> {
    try {
      for await (const event of source(signal)) {
        if (!(await sent(response, textOf(event)))) return
        if (signal.aborted) break
      }
      // Told apart from a connection that broke off: nothing more will come.
      if (!signal.aborted) response.write(textOf({ id: '', event: 'end', data: {} }))
    } catch (error) {
      const { text, code, unexpected } = describeError(error, request.id)
      if (unexpected) logger.error('A stream of events failed', { requestId: request.id, error })
      response.write(textOf({ id: '', event: 'failed', data: { error: text, code } }))
    } finally {
      response.end()
    }
  }

  return {
    serve(request, reply, source) {
      const username = request.caller?.user.name ?? ''
      if (open.size >= limits.inAll || (ofUser.get(username) ?? 0) >= limits.ofUser)
        throw new GatewayError(
          'unavailable',
          'Too many event streams are open; close some, or try again later',
        )
      reply.hijack()
      const response = reply.raw
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        // nginx would keep it back.
        'x-accel-buffering': 'no',
        'x-request-id': request.id,
      })
      if (request.method === 'HEAD') {
        response.end()
        return
      }
      const signal = begin(request, response, username)
      response.write('retry: 2000\n\n')
      void pour(request, response, signal, source)
    },
    count: () => open.size,
  }
}

function textOf({ id, event, data }: ServerEvent): string {
  return `${id === '' ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Where a client that was cut off wants to go on; null: it begins. */
export function lastEventId(request: FastifyRequest): string | null {
  const value = request.headers['last-event-id']
  return typeof value === 'string' && value !== '' ? value : null
}

import type { Call, Connection } from './connection.ts'
import { errorOfAnswer, GatewayError } from './errors.ts'
import { parseEvents } from './parse-events.ts'

export interface FollowOptions {
  /** Ends it: the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Told when the connection broke off and is made anew, with what was wrong; and with null when it is there again. */
  readonly onInterruption?: ((error: GatewayError | null) => void) | undefined
  /** For how long a connection that broke off is tried again. Default: ten minutes. */
  readonly recoverMs?: number | undefined
}

const defaultRecoverMs = 600_000
/** The gateway says something every 15 s. */
const silenceMs = 50_000
const firstDelayMs = 250
const maxDelayMs = 10_000

/**
 * The events of a stream, across restarts of the gateway: a connection that breaks off is made anew from the last event
 * on. Ends when the gateway says that there is no more. The first connection is tried once.
 */
export async function* follow(
  connection: Connection,
  path: string,
  query: Call['query'],
  options: FollowOptions = {},
): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  const { signal, onInterruption, recoverMs = defaultRecoverMs } = options
  const given = signal ?? new AbortController().signal
  let lastId: string | null = null
  let brokenAt: number | null = null
  let delayMs = firstDelayMs
  let hasBegun = false
  for (;;) {
    const cut = new AbortController()
    let silence = setTimeout(() => cut.abort(), silenceMs)
    try {
      const response = await connection.request(path, {
        query: { ...query, follow: 1 },
        headers: {
          accept: 'text/event-stream',
          ...(lastId === null ? {} : { 'last-event-id': lastId }),
        },
        signal: AbortSignal.any([given, cut.signal]),
      })
      if (response.body === null) throw new GatewayError('unexpected', 'A stream without a body')
      if (brokenAt !== null) onInterruption?.(null)
      brokenAt = null
      hasBegun = true
      const alive = () => {
        clearTimeout(silence)
        silence = setTimeout(() => cut.abort(), silenceMs)
      }
      for await (const { id, event, data } of parseEvents(response.body, alive)) {
        delayMs = firstDelayMs
        lastId = id ?? lastId
        if (event === 'end') return
        const value: unknown = JSON.parse(data)
        if (event === 'failed') throw errorOfAnswer(500, value, null)
        yield { event, data: value }
      }
      throw new GatewayError('unreachable', 'The gateway ended the connection')
    } catch (error) {
      given.throwIfAborted()
      const broken = cut.signal.aborted
        ? new GatewayError('unreachable', 'The gateway fell silent')
        : asBroken(error)
      brokenAt ??= performance.now()
      if (!hasBegun || broken === null || performance.now() - brokenAt > recoverMs) throw error
      onInterruption?.(broken)
    } finally {
      clearTimeout(silence)
      cut.abort()
    }
    await pause(delayMs * (0.5 + Math.random()), given)
    delayMs = Math.min(maxDelayMs, delayMs * 2)
  }
}

/** What another try may mend; null: it will be the same again. */
function asBroken(error: unknown): GatewayError | null {
  if (!(error instanceof GatewayError))
    // The platform's own, in the middle of a body.
    return new GatewayError('unreachable', error instanceof Error ? error.message : String(error), {
      cause: error,
    })
  return ['unreachable', 'unavailable', 'upstream', 'internal'].includes(error.code) ? error : null
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
  signal.throwIfAborted()
}

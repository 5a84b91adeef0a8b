import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { KerberosError } from '../../kerberos/index.ts'
import { HadoopError, messageOf } from '../errors.ts'
import type { Protection } from '../sasl/protection.ts'
import type { Message } from '../wire/message.ts'
import type { Login } from './authenticate.ts'
import type { Call } from './connection.ts'
import { createConnections } from './connections.ts'
import type { ExpectedServer } from './service-principal.ts'

/** A method of a Java interface. */
export interface RpcMethod<Request, Response> {
  readonly name: string
  readonly request: Message<Request>
  readonly response: Message<Response>
  /**
   * Whether it may be sent again when nobody knows if it was done: Hadoop marks such methods Idempotent, or AtMostOnce, where the
   * server knows a call by its id.
   */
  readonly isRepeatable: boolean
}

export interface RpcClientOptions {
  /** For messages: the ResourceManager, the NameNode. */
  readonly what: string
  readonly protocol: string
  /** One, or those of which one is active. */
  readonly servers: readonly ExpectedServer[]
  readonly login: Login
  readonly protections: readonly Protection[]
  /** For a call with all that it takes, connecting and other servers included; 30 s when absent. */
  readonly limitMs?: number
  /** For connecting to one server, and for its answer; 10 s when absent. */
  readonly serverLimitMs?: number
  /** After which a connection without calls is closed; 10 s when absent. */
  readonly idleMs?: number
}

export interface CallOptions {
  /** Whom to act as. */
  readonly onBehalfOf?: string | undefined
  readonly limitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Calls methods of the active one of some servers, over connections that are shared, one a user and server. */
export interface RpcClient {
  call<Request, Response>(
    method: RpcMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>
  close(): void
}

const firstDelayMs = 100
const longestDelayMs = 2_000
/** With less time left nothing more is tried. */
const shortestTryMs = 50
/** Of Kerberos: a key that has changed, or two logins in the same microsecond, which Java takes for a replay. */
const loginTries = 3

export function createRpcClient(options: RpcClientOptions): RpcClient {
  const { servers, login, what, serverLimitMs = 10_000 } = options
  const clientId = randomBytes(16)
  const connections = createConnections({ ...options, clientId, serverLimitMs })
  let active = 0
  let lastCallId = 0
  let isClosed = false

  const serverAt = (index: number) => {
    const server = servers[index % servers.length]
    if (server === undefined) throw new HadoopError('configuration', `there is no ${what}`)
    return server
  }

  /** One try at one server. */
  async function attempt<Request, Response>(
    server: ExpectedServer,
    onBehalfOf: string | undefined,
    call: Call<Request, Response>,
    request: Request,
  ): Promise<Response> {
    if (isClosed) throw new HadoopError('closed', 'the client was closed')
    const until = performance.now() + call.limitMs
    const opening = connections.open(server, onBehalfOf)
    const connection =
      opening instanceof Promise ? await within(opening, call, placeOf(server)) : opening
    const limitMs = Math.max(1, until - performance.now())
    return connection.call({ ...call, limitMs }, request)
  }

  async function call<Request, Response>(
    { name, isRepeatable, ...types }: RpcMethod<Request, Response>,
    request: Request,
    { onBehalfOf, limitMs = options.limitMs ?? 30_000, signal }: CallOptions = {},
  ): Promise<Response> {
    // Many calls may share one, and each listens.
    if (signal !== undefined) setMaxListeners(0, signal)
    const deadline = performance.now() + limitMs
    const leftMs = () => deadline - performance.now()
    const failures = new Map<string, string>()
    lastCallId = (lastCallId + 1) & 0x7fffffff
    const same = { ...types, id: lastCallId, method: name, signal }
    let logins = 0
    let wasSent = false

    for (let retryCount = 0; ; retryCount += 1) {
      const index = active
      const server = serverAt(index)
      try {
        const once = {
          ...same,
          retryCount,
          limitMs: Math.max(1, Math.min(leftMs(), serverLimitMs)),
        }
        return await attempt(server, onBehalfOf, once, request)
      } catch (error) {
        if (!(error instanceof HadoopError)) throw error
        wasSent ||= error.code === 'unknown-outcome'
        const verdict = afterFailure(error, isRepeatable)
        if (verdict === 'give up') throw afterAll(error, wasSent)
        if (verdict === 'log in again') {
          if (login.kind !== 'kerberos' || ++logins >= loginTries) throw afterAll(error, wasSent)
          login.initiator.forget()
        }
        failures.set(placeOf(server), messageOf(error))
        // Unless another call has found out already.
        if (verdict === 'next server' && active === index) active = (index + 1) % servers.length
        // The first look at another server needs no pause.
        const isNew = verdict === 'next server' && !failures.has(placeOf(serverAt(active)))
        const waitMs = isNew ? 0 : pauseMs(retryCount)
        if (leftMs() < waitMs + shortestTryMs) {
          const words = `${what} could not be asked (${name}) within ${limitMs / 1000} s: ${sentences(failures)}`
          throw afterAll(new HadoopError('unreachable', words, { cause: error }), wasSent)
        }
        if (!isNew) await delay(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  return {
    call,
    close() {
      isClosed = true
      connections.close()
    },
  }
}

const pauseMs = (retryCount: number) =>
  Math.min(longestDelayMs, firstDelayMs * 2 ** retryCount) * (0.5 + Math.random())

/** An opening is shared, so it may take longer than one of those who wait for it can. */
async function within<T>(
  opening: Promise<T>,
  { limitMs, signal, method }: Pick<Call<unknown, unknown>, 'limitMs' | 'signal' | 'method'>,
  place: string,
): Promise<T> {
  const given = new AbortController()
  const over = delay(limitMs, undefined, { signal: given.signal }).then(() => {
    throw new HadoopError('unreachable', `${place} could not be connected to in time`)
  })
  const abort = () => given.abort()
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    return await Promise.race([opening, over])
  } catch (error) {
    if (signal?.aborted) throw new HadoopError('closed', `${method} was given up by its caller`)
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
    over.catch(() => undefined)
    given.abort()
  }
}

const placeOf = ({ host, port }: ExpectedServer) => `${host}:${port}`

type Verdict = 'give up' | 'next server' | 'same server' | 'log in again'

function afterFailure(error: HadoopError, isRepeatable: boolean): Verdict {
  const className = error.className ?? ''
  // Not done: a standby does nothing. A secret that a standby does not know yet comes in the clothes of a wrong one.
  if (/\.(StandbyException|ObserverRetryOnActiveException)$/.test(className)) return 'next server'
  if (/\.(RetriableException|ServerTooBusyException)$|^RetriableException/.test(className))
    return 'same server'
  if (error.cause instanceof KerberosError) return 'give up'
  if (error.code === 'security' && /SaslException$/.test(className)) return 'log in again'
  if (error.code === 'unreachable') return 'next server'
  if (error.code === 'unknown-outcome') return isRepeatable ? 'next server' : 'give up'
  return 'give up'
}

/** What was sent once, and not answered, may have been done, whatever came of trying again; but an answer is one. */
function afterAll(error: HadoopError, wasSent: boolean): HadoopError {
  if (!wasSent || error.code === 'remote' || error.code === 'unknown-outcome') return error
  return new HadoopError('unknown-outcome', error.message, { cause: error })
}

function sentences(failures: ReadonlyMap<string, string>): string {
  return [...failures]
    .map(([place, words]) => (words.startsWith(place) ? words : `${place}: ${words}`))
    .join('; ')
}

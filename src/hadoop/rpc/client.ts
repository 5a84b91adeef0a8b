import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { KerberosError } from '../../kerberos/index.ts'
import { HadoopError, messageOf } from '../errors.ts'
import type { Protection } from '../sasl/protection.ts'
import type { Message } from '../wire/message.ts'
import type { Login } from './authenticate.ts'
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
  const { servers, login, what } = options
  const clientId = randomBytes(16)
  const connections = createConnections({ ...options, clientId })
  let active = 0
  let lastCallId = 0
  let isClosed = false

  const serverAt = (index: number) => {
    const server = servers[index % servers.length]
    if (server === undefined) throw new HadoopError('configuration', `there is no ${what}`)
    return server
  }

  async function call<Request, Response>(
    method: RpcMethod<Request, Response>,
    request: Request,
    { onBehalfOf, limitMs = options.limitMs ?? 30_000, signal }: CallOptions = {},
  ): Promise<Response> {
    const deadline = performance.now() + limitMs
    const leftMs = () => Math.max(1, Math.ceil(deadline - performance.now()))
    const serverLimitMs = () => Math.min(leftMs(), options.serverLimitMs ?? 10_000)
    const failures = new Map<string, string>()
    lastCallId = (lastCallId + 1) & 0x7fffffff
    const id = lastCallId
    let logins = 0
    let wasSent = false

    for (let retryCount = 0; ; retryCount += 1) {
      const index = active
      const server = serverAt(index)
      const place = `${server.host}:${server.port}`
      try {
        if (isClosed) throw new HadoopError('closed', 'the client was closed')
        if (signal?.aborted) throw new HadoopError('closed', `${method.name} was given up`)
        const connection = await connections.open(server, onBehalfOf, serverLimitMs())
        const { name, request: wanted, response } = method
        return await connection.call(
          {
            id,
            retryCount,
            method: name,
            request: wanted,
            response,
            limitMs: serverLimitMs(),
            signal,
          },
          request,
        )
      } catch (error) {
        if (!(error instanceof HadoopError)) throw error
        wasSent ||= error.code === 'unknown-outcome'
        const verdict = afterFailure(error, method.isRepeatable)
        if (verdict === 'give up') throw afterAll(error, wasSent)
        if (verdict === 'log in again') {
          if (login.kind !== 'kerberos' || ++logins >= loginTries) throw afterAll(error, wasSent)
          login.initiator.forget()
        }
        failures.set(place, messageOf(error))
        // Unless another call has found out already.
        if (verdict === 'next server' && active === index) active = (index + 1) % servers.length
        const waitMs =
          Math.min(longestDelayMs, firstDelayMs * 2 ** retryCount) * (0.5 + Math.random())
        // The first look at another server needs no pause.
        const isNew = verdict === 'next server' && !failures.has(placeOf(serverAt(active)))
        if (leftMs() < (isNew ? 0 : waitMs) + shortestTryMs) {
          const words = `${what} could not be asked (${method.name}) within ${limitMs / 1000} s: ${sentences(failures)}`
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

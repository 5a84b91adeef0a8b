import type { Credentials } from './credentials.ts'
import { errorOfAnswer, GatewayError } from './errors.ts'

export interface ConnectionOptions {
  /** `http(s)://HOST[:PORT][/PREFIX]`. */
  readonly address: string
  readonly auth?: Credentials | undefined
  /** Default: the platform's. */
  readonly fetch?: typeof fetch | undefined
  /** How long an answer may take to begin; streams then go on. */
  readonly timeoutMs?: number | undefined
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** What is undefined or null is left out. */
  readonly query?: { readonly [name: string]: string | number | null | undefined }
  readonly body?: unknown
  readonly headers?: { readonly [name: string]: string }
  readonly signal?: AbortSignal | undefined
}

/** Requests to one gateway. */
export interface Connection {
  /** The gateway's address, without a slash at its end. */
  readonly address: string
  /** An answer that is none of 2xx throws a GatewayError. */
  request(path: string, call?: Call): Promise<Response>
  json<T>(path: string, call?: Call): Promise<T>
}

const defaultTimeoutMs = 60_000

export function connectionTo(options: ConnectionOptions): Connection {
  const address = options.address.replace(/\/+$/, '')
  const { auth, timeoutMs = defaultTimeoutMs } = options
  const ask = options.fetch ?? ((...given: Parameters<typeof fetch>) => fetch(...given))
  // Browsers keep cookies by themselves and show them to nobody.
  let cookie: string | null = null

  async function headersOf(call: Call): Promise<Headers> {
    const headers = new Headers(call.headers)
    if (call.body !== undefined) headers.set('content-type', 'application/json')
    if (auth !== undefined)
      headers.set('authorization', typeof auth === 'string' ? auth : await auth())
    if (cookie !== null) headers.set('cookie', cookie)
    return headers
  }

  async function request(path: string, call: Call = {}): Promise<Response> {
    call.signal?.throwIfAborted()
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), timeoutMs)
    const signal =
      call.signal === undefined ? late.signal : AbortSignal.any([call.signal, late.signal])
    let response: Response
    try {
      response = await ask(`${address}${path}${queryText(call.query)}`, {
        method: call.method ?? 'GET',
        headers: await headersOf(call),
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        signal,
        redirect: 'manual',
        credentials: 'same-origin',
      })
    } catch (cause) {
      call.signal?.throwIfAborted()
      // From a `fetch` or an `auth` that knows better.
      if (cause instanceof GatewayError) throw cause
      const why = late.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(cause)
      throw new GatewayError('unreachable', `${address} cannot be reached: ${why}`, { cause })
    } finally {
      clearTimeout(timer)
    }
    const [session] = response.headers.getSetCookie?.() ?? []
    if (auth !== undefined && session !== undefined) cookie = session.split(';')[0] ?? null
    if (response.ok) return response
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400))
      throw new GatewayError(
        'unexpected',
        `${address} sends requests elsewhere${whither(response)}: use the gateway's own address`,
        { status: response.status },
      )
    const text = await response.text().catch(() => '')
    throw errorOfAnswer(response.status, jsonOf(text), response.headers.get('x-request-id'))
  }

  return {
    address,
    request,
    async json<T>(path: string, call?: Call): Promise<T> {
      const response = await request(path, call)
      const body = jsonOf(await response.text())
      if (body !== undefined) return body as T
      throw new GatewayError(
        'unexpected',
        `${address} answered with something that is no gateway's`,
        {
          status: response.status,
        },
      )
    },
  }
}

function queryText(query: Call['query'] = {}): string {
  const text = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null) text.set(name, String(value))
  return text.size === 0 ? '' : `?${text}`
}

function whither(response: Response): string {
  const location = response.headers.get('location')
  return location === null ? '' : ` (${location.slice(0, 200)})`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Node's "fetch failed" has what is behind it as its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error)
    return cause.errors[0].message
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message
}

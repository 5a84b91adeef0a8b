/**
 * What went wrong, for programs. Those of the gateway, and of this side: `unreachable` (no answer came), `unexpected` (an
 * answer that no gateway gives).
 */
export type ErrorCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'too-large'
  | 'upstream'
  | 'unavailable'
  | 'internal'
  | 'unreachable'
  | 'unexpected'

/** Any failure of a call; `message` is the gateway's sentence. A call that was aborted throws its signal's reason instead. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  /** Of HTTP; 0: there was no answer. */
  readonly status: number
  /** By which the gateway's log names the request. */
  readonly requestId: string | null

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      readonly status?: number
      readonly requestId?: string | null
      readonly cause?: unknown
    } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause })
    this.code = code
    this.status = more.status ?? 0
    this.requestId = more.requestId ?? null
  }
}

const known: ReadonlySet<string> = new Set<ErrorCode>([
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'invalid',
  'too-large',
  'upstream',
  'unavailable',
  'internal',
])

/** The error that an answer tells of; what stands between us and the gateway may answer too, in its own words. */
export function errorOfAnswer(
  status: number,
  body: unknown,
  requestId: string | null,
): GatewayError {
  const { error, code } = (typeof body === 'object' && body !== null ? body : {}) as {
    readonly error?: unknown
    readonly code?: unknown
  }
  const message =
    typeof error === 'string' ? error : `The gateway answered with HTTP status ${status}`
  const word = typeof code === 'string' && known.has(code) ? (code as ErrorCode) : codeOf(status)
  return new GatewayError(word, message, { status, requestId })
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 502) return 'upstream'
  if (status === 503 || status === 504 || status === 429) return 'unavailable'
  return status >= 500 ? 'internal' : 'unexpected'
}

import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { type ErrorCode, GatewayError } from '../core/index.ts'

const statusOf: { readonly [code in ErrorCode]: number } = {
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  invalid: 422,
  configuration: 500,
  internal: 500,
  upstream: 502,
  unavailable: 503,
}

// For these the Python client shows the body's text; for all others only the reason phrase (wire-protocol.md, section 2).
const bodyIsShown: ReadonlySet<number> = new Set([404, 409, 422, 500])

/** An error as users get it: the status, and the sentence where the Python client will show it. */
export function sendError(
  reply: FastifyReply,
  status: number,
  text: string,
  code: ErrorCode = 'not-found',
): FastifyReply {
  reply.raw.statusMessage = bodyIsShown.has(status)
    ? (STATUS_CODES[status] ?? 'Error')
    : reasonPhrase(text)
  return reply
    .code(status)
    .header('content-type', 'application/json; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .send(JSON.stringify({ error: text, code }))
}

/**
 * The status and the sentence of whatever a route threw. What is no error of ours tells the user nothing but where to
 * look for it in the log; `unexpected` is then true.
 */
export function describeError(
  error: unknown,
  requestId: string,
): {
  readonly status: number
  readonly text: string
  readonly code: ErrorCode
  readonly unexpected: boolean
} {
  if (error instanceof GatewayError && error.code !== 'configuration') {
    return {
      status: statusOf[error.code],
      text: error.message,
      code: error.code,
      unexpected: error.code === 'internal',
    }
  }
  const framework = frameworkError(error)
  if (framework !== null) return { ...framework, unexpected: false }
  const text = `The gateway failed at this request; its log has the cause under request ${requestId}.`
  return { status: 500, text, code: 'internal', unexpected: true }
}

// Fastify's own errors carry a status; its sentences are for programmers, so the common one is ours.
function frameworkError(
  error: unknown,
): { readonly status: number; readonly text: string; readonly code: ErrorCode } | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null
  if (!('code' in error) || !String(error.code).startsWith('FST_ERR_')) return null
  const { statusCode } = error
  if (statusCode === 413)
    return { status: 413, text: 'The request body is too large', code: 'too-large' }
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return null
  return { status: 422, text: `The request cannot be read: ${error.message}`, code: 'invalid' }
}

/** One line of printable ASCII (RFC 9112: reason-phrase), so that no text can end the header. */
export function reasonPhrase(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?').slice(0, 300)
}

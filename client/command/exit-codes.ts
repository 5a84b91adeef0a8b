import { type ErrorCode, GatewayError } from '../src/index.ts'

/** What the command ends with; docs/command.md has the same list. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notAllowed: 3,
  notFound: 4,
  refused: 5,
  unreachable: 6,
  interrupted: 130,
} as const

/** A mistake in how the command was called. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const ofCode: { readonly [code in ErrorCode]: number } = {
  unauthenticated: exitCodes.notAllowed,
  forbidden: exitCodes.notAllowed,
  'not-found': exitCodes.notFound,
  conflict: exitCodes.refused,
  invalid: exitCodes.refused,
  'too-large': exitCodes.refused,
  upstream: exitCodes.unreachable,
  unavailable: exitCodes.unreachable,
  unreachable: exitCodes.unreachable,
  internal: exitCodes.failed,
  unexpected: exitCodes.failed,
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage
  return error instanceof GatewayError ? ofCode[error.code] : exitCodes.failed
}

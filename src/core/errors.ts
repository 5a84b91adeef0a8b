/**
 * What went wrong, as a closed list. `api/` alone turns a code into an HTTP status; everybody else
 * throws the code and a sentence for the person who must act on it.
 */
export type ErrorCode =
  | 'unauthenticated' // no or wrong credentials
  | 'forbidden' // known, but not theirs
  | 'not-found'
  | 'conflict' // right request, wrong moment (a cluster that is not running)
  | 'invalid' // the request or a value in it is wrong
  | 'too-large'
  | 'configuration' // a setting, a file, the environment of the server
  | 'upstream' // a system that we asked (hub, scheduler, queue) failed or refused
  | 'unavailable' // for now; try again
  | 'internal'

/**
 * The project's own error. `message` says what was attempted, with which names, and what to try;
 * it may be shown to users, so it never holds a secret or a private detail of a backend.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The sentence of any thrown value, for messages and logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * What went wrong, as a closed list:
 * - `configuration`: a file or property of Hadoop's configuration is missing or cannot be understood.
 * - `unreachable`: nobody answered; nothing was done.
 * - `unknown-outcome`: the call was sent and its answer never came; it may have been done.
 * - `protocol`: what came back is not what Hadoop says.
 * - `security`: who answered is not who it should be, or offers less than is demanded; or a key, token or ticket was refused.
 * - `remote`: the server refused, in its own words; `className` is its Java exception.
 * - `closed`: the caller gave up, or closed the client.
 */
export type HadoopErrorCode =
  | 'configuration'
  | 'unreachable'
  | 'unknown-outcome'
  | 'protocol'
  | 'security'
  | 'remote'
  | 'closed'

export class HadoopError extends Error {
  override readonly name = 'HadoopError'
  readonly code: HadoopErrorCode
  /** Of `remote`, and of `security` when the server said it: the full name of the Java exception. */
  readonly className: string | undefined

  constructor(
    code: HadoopErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly className?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.className = options.className
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * `library`: not installed. `keytab`: it cannot be read or lacks the principal. `unavailable`: the KDC does not answer.
 * `refused`: by the KDC, the other side, or for what it sent. `misuse`: a call that the contract does not allow.
 */
export type KerberosReason = 'library' | 'keytab' | 'unavailable' | 'refused' | 'misuse'

/** What the library says of a failure (RFC 2744, section 3.9). */
export interface Status {
  readonly major: number
  readonly minor: number
  readonly majorText: string
  readonly minorText: string
}

/** Its message says what was attempted and what the library says of it; no keys, no tokens. */
export class KerberosError extends Error {
  override readonly name = 'KerberosError'
  readonly reason: KerberosReason
  /** null: it does not come from a call of the library. */
  readonly status: Status | null

  constructor(
    reason: KerberosReason,
    message: string,
    options: { readonly cause?: unknown; readonly status?: Status } = {},
  ) {
    super(message, { cause: options.cause })
    this.reason = reason
    this.status = options.status ?? null
  }
}

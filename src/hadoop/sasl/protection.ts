/** What `hadoop.rpc.protection` and `dfs.data.transfer.protection` may say: nothing, no changes, or no reading either, after the login. */
export type Protection = 'authentication' | 'integrity' | 'privacy'

/** Protects what is sent after the login. Each side's messages are numbered, so the order matters. */
export interface SecurityLayer {
  /** How many bytes may be wrapped at once. */
  readonly maximumBytes: number
  wrap(bytes: Buffer): Buffer
  /** Throws HadoopError `security` for what was changed, repeated or is not protected as agreed. */
  unwrap(token: Buffer): Buffer
  /** Gives back what it holds. It is not used again. */
  close(): void
}

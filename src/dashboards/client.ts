/** Who sent a request, as the gateway sees it (behind trusted proxies, the client of those). */
export interface Client {
  readonly address: string
  /** Whether it came by HTTPS. */
  readonly secure: boolean
}

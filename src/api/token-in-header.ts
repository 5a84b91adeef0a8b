import { basicCredentials } from '../util/index.ts'

/** An access token as it came in a header, and the user name beside it. */
export interface PresentedToken {
  readonly secret: string
  /** null: none came. */
  readonly username: string | null
}

// As auth/access-tokens.ts makes them. What looks so is a token and nothing else: one that was revoked is no password
// of a gateway that takes any.
const secretPattern = /^dgt_[\w-]{43}$/

/**
 * The token of an `Authorization` header: as RFC 6750 has it, as the Python client's JupyterHubAuth sends one, or in the
 * place of a password. null: the header holds something else.
 */
export function tokenInHeader(authorization: string | undefined): PresentedToken | null {
  if (authorization === undefined) return null
  const secret = /^(?:bearer|jupyterhub) +(\S+) *$/i.exec(authorization)?.[1]
  if (secret !== undefined) return secretPattern.test(secret) ? { secret, username: null } : null
  const credentials = basicCredentials(authorization)
  if (typeof credentials === 'string' || !secretPattern.test(credentials.password)) return null
  return { secret: credentials.password, username: credentials.username || null }
}

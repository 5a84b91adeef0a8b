import type { Authenticator, AuthResult } from '../core/index.ts'
import { basicCredentials } from '../util/index.ts'

/**
 * HTTP Basic, with whatever judges a name and a password. What it refuses, it refuses with a reason for the reason
 * phrase of the 401; nothing that a header may hold makes it throw.
 */
export function createBasicAuthenticator(
  judge: (username: string, password: string) => Promise<AuthResult>,
  rest: Omit<Authenticator, 'challenge' | 'login' | 'authenticate'>,
): Authenticator {
  return {
    challenge: 'Basic',
    login: { form: 'password', check: judge },
    async authenticate({ authorization }) {
      if (authorization === null) return { outcome: 'refused', reason: 'Authentication required' }
      const credentials = basicCredentials(authorization)
      if (typeof credentials === 'string') return { outcome: 'refused', reason: credentials }
      return judge(credentials.username, credentials.password)
    },
    ...rest,
  }
}

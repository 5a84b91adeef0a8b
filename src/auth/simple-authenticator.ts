import type { Authenticator, AuthResult } from '../core/index.ts'
import { basicCredentials, sameSecret } from '../util/index.ts'
import { faultOfName } from './user-name.ts'

/**
 * HTTP Basic with one password for all users, or with none: then everybody is who they say. What it refuses, it
 * refuses with a reason for the reason phrase of the 401; nothing that a header may hold makes it throw.
 */
export function createSimpleAuthenticator(settings: {
  readonly password: string | null
}): Authenticator {
  const { password } = settings

  function judge(username: string, given: string): AuthResult {
    const fault = faultOfName(username)
    if (fault !== null) return refused(fault)
    if (password !== null && !sameSecret(given, password))
      return refused('Wrong user name or password')
    return { outcome: 'accepted', user: { name: username, groups: [], admin: false } }
  }

  return {
    challenge: 'Basic',
    login: { form: 'password', check: async (username, given) => judge(username, given) },
    open: password === null,
    async start() {},
    async stop() {},
    async authenticate({ authorization }) {
      if (authorization === null) return refused('Authentication required')
      const credentials = basicCredentials(authorization)
      if (typeof credentials === 'string') return refused(credentials)
      return judge(credentials.username, credentials.password)
    },
  }
}

function refused(reason: string): AuthResult {
  return { outcome: 'refused', reason }
}

import type { Authenticator, AuthResult } from '../core/index.ts'
import { sameSecret } from '../util/index.ts'
import { createBasicAuthenticator } from './basic-authenticator.ts'
import { faultOfName } from './user-name.ts'

/** HTTP Basic with one password for all users, or with none: then everybody is who they say. */
export function createSimpleAuthenticator(settings: {
  readonly password: string | null
}): Authenticator {
  const { password } = settings

  async function judge(username: string, given: string): Promise<AuthResult> {
    const fault = faultOfName(username)
    if (fault !== null) return { outcome: 'refused', reason: fault }
    if (password !== null && !sameSecret(given, password))
      return { outcome: 'refused', reason: 'Wrong user name or password' }
    return { outcome: 'accepted', user: { name: username, groups: [], admin: false } }
  }

  return createBasicAuthenticator(judge, {
    open: password === null,
    async start() {},
    async stop() {},
  })
}

import type { Authenticator, AuthResult, Logger } from '../../core/index.ts'
import { createBasicAuthenticator } from '../basic-authenticator.ts'
import { faultOfName } from '../user-name.ts'
import { openHtpasswdFile } from './htpasswd-file.ts'
import { createPasswordChecker } from './password-checker.ts'

/** HTTP Basic by a file of users with bcrypt's hashes. Who is taken out of it has no session and no token any more. */
export function createHtpasswdAuthenticator(
  path: string,
  logger: Logger,
  lookEveryMs?: number,
): Authenticator {
  const file = openHtpasswdFile(path, logger, lookEveryMs)
  const checker = createPasswordChecker()

  async function judge(given: string, password: string): Promise<AuthResult> {
    const fault = faultOfName(given)
    if (fault !== null) return { outcome: 'refused', reason: fault }
    const users = file.users()
    const name = given.normalize('NFC')
    const own = users.get(name)
    // For a name that is none, as much work as for one that is: the time must not tell.
    const [anyHash = ''] = users.values()
    const matches = !password.includes('\0') && (await checker.matches(password, own ?? anyHash))
    if (own === undefined || !matches)
      return { outcome: 'refused', reason: 'Wrong user name or password' }
    return { outcome: 'accepted', user: { name, groups: [], admin: false } }
  }

  return createBasicAuthenticator(judge, {
    open: false,
    start: () => file.start(),
    reload: () => file.reload(),
    async stop() {
      file.stop()
      await checker.stop()
    },
    knows: (username) => file.users().has(username),
  })
}

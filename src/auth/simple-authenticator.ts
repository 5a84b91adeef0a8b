import type { Authenticator, AuthResult } from '../core/index.ts'
import { sameSecret } from '../util/index.ts'
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

// RFC 7617: "Basic" SP base64(user-id ":" password). The Python client encodes in Latin-1, browsers and curl in UTF-8:
// what is valid UTF-8 is taken for that. A string returned says what is wrong with the header.
function basicCredentials(
  authorization: string,
): string | { readonly username: string; readonly password: string } {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)
  if (match === null) {
    return /^basic(?: |$)/i.test(authorization)
      ? 'The Authorization header is malformed: after "Basic" comes base64 of "user:password"'
      : 'This gateway takes an Authorization header of the kind "Basic"'
  }
  const bytes = Buffer.from(match[1] ?? '', 'base64')
  const text = decoded(bytes)
  const colon = text.indexOf(':')
  if (colon < 0) return 'The Authorization header is malformed: no ":" between user and password'
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

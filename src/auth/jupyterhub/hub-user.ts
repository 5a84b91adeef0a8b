import * as z from 'zod'
import { type AuthResult, GatewayError, type Logger, messageOf } from '../../core/index.ts'
import type { OutsideAnswer } from '../outside-client.ts'
import { faultOfName } from '../user-name.ts'
import type { Hub } from './hub.ts'

/** What `GET /user` tells of a token's bearer. Services have no groups. */
const bearer = z.object({
  name: z.string(),
  kind: z.string(),
  admin: z.boolean().nullish(),
  groups: z.array(z.string()).nullish(),
  scopes: z.array(z.string()).nullish(),
})

export type Bearer = z.infer<typeof bearer>

// As the old server says them (wire-protocol.md, section 3.1).
const purpose = "verifying user's JupyterHub API token"
const hubFailed = () => new GatewayError('upstream', `Upstream failure ${purpose}`)

/** A token is one word of printable ASCII; anything else could not stand in a header. */
export const tokenPattern = /^[\x21-\x7e]{1,1024}$/

/**
 * Who bears a token, by the hub. 'forbidden' is a 403: so hubs answer to tokens that they do not know. Throws 'upstream'
 * and 'internal' with the sentences that users of the API are told.
 */
export async function bearerOf(
  hub: Hub,
  token: string,
  logger: Logger,
): Promise<Bearer | 'unknown' | 'forbidden'> {
  let answer: OutsideAnswer
  try {
    answer = await hub.ask({
      method: 'GET',
      path: '/user',
      headers: { authorization: `token ${token}` },
    })
  } catch (error) {
    logger.error(`JupyterHub could not be asked about a token: ${messageOf(error)}`)
    throw hubFailed()
  }
  const { status, text } = answer
  if (status === 404) return 'unknown'
  if (status === 403) return 'forbidden'
  if (status >= 200 && status < 300) {
    const parsed = bearer.safeParse(jsonOf(text))
    if (parsed.success) return parsed.data
    logger.error('JupyterHub described the bearer of a token in a way that is not understood')
    throw hubFailed()
  }
  logger.error(`JupyterHub answered a question about a token with status ${status}`, {
    ...(status < 400 && { hint: 'is jupyterhub_api_url the final address? it was redirected' }),
  })
  if (status < 400 || status >= 500) throw hubFailed()
  throw new GatewayError('internal', `Failure ${purpose}`)
}

/** The sentence for a 403. */
export function permissionFailure(): GatewayError {
  return new GatewayError('internal', `Permission failure ${purpose}`)
}

/**
 * The bearer as a user of ours: `kind:name` for services, and for users with a colon in their names, so that the
 * service `x` and a user `service:x` differ.
 */
export function userOf(found: Bearer, accessScopes: readonly string[] | null): AuthResult {
  const { kind } = found
  const name = kind !== 'user' || found.name.includes(':') ? `${kind}:${found.name}` : found.name
  const fault = found.name === '' || kind === '' ? 'JupyterHub names nobody' : faultOfName(name)
  if (fault !== null) return { outcome: 'refused', reason: fault }
  const scopes = new Set(found.scopes ?? [])
  if (accessScopes !== null && !accessScopes.some((scope) => scopes.has(scope))) {
    const reason = `The token gives no access to this service: it lacks the scope ${accessScopes.at(-1)}`
    return { outcome: 'refused', reason }
  }
  return {
    outcome: 'accepted',
    user: { name, groups: found.groups ?? [], admin: found.admin ?? false },
  }
}

/** undefined for what is no JSON. The error of JSON.parse would quote the text, which may hold a token. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

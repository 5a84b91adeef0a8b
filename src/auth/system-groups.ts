import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { GatewayError } from '../core/index.ts'

const keptForMs = 60_000
const maxKept = 10_000
const limitMs = 10_000

const kept = new Map<string, { readonly at: number; readonly groups: Promise<readonly string[]> }>()

/**
 * The groups of the account of exactly this name, by whatever the system asks (files, LDAP, SSSD); none without one. Kept
 * for a minute. Throws 'unavailable' when the system does not answer.
 */
export function groupsOfSystem(username: string): Promise<readonly string[]> {
  const known = kept.get(username)
  if (known !== undefined && performance.now() - known.at < keptForMs) return known.groups
  const groups = askSystem(username)
  kept.delete(username)
  kept.set(username, { at: performance.now(), groups })
  groups.catch(() => kept.delete(username))
  const [oldest] = kept.keys()
  if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
  return groups
}

/** id(1) takes numbers for user ids, and other names of an account; so it is asked for the name too. */
async function askSystem(username: string): Promise<readonly string[]> {
  // What no account can be called is not even asked: passwd(5) has lines and colons, and NUL ends an argument.
  if (!/^[^\s:/\0-]\P{Cc}{0,254}$/u.test(username)) return []
  const name = await idOf('-un', username)
  if (name?.trimEnd() !== username) return []
  const names = await idOf('-Gnz', username)
  return (names ?? '').split('\0').filter((group) => group !== '')
}

/** null: the system knows no such account. */
async function idOf(option: string, username: string): Promise<string | null> {
  try {
    const options = { timeout: limitMs, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } }
    return (await promisify(execFile)('id', [option, '--', username], options)).stdout
  } catch (cause) {
    const { code, stderr } = cause as { readonly code?: unknown; readonly stderr?: string }
    if (code === 1 && /no such user/i.test(stderr ?? '')) return null
    throw new GatewayError('unavailable', `The system does not tell the groups of ${username}`, {
      cause,
    })
  }
}

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { DashboardTarget } from '../core/index.ts'

/** Whom a session was given to. */
export type Visitor = 'owner' | 'admin'

export const sessionLifetimeMs = 60 * 60 * 1000

/** What a session says. */
export interface DashboardSession {
  readonly visitor: Visitor
  /** The id of the login that it came from and ends with; null: of none, but of a header. */
  readonly login: string | null
}

/**
 * The `~SESSION` of a dashboard: `s.KIND.EXPIRY.LOGIN.MAC`. The user and the cluster are not written into it (it is
 * part of a URL) but are covered by the code. A key of a cluster has no dot, so the two cannot be confused.
 */
export function issueSession(
  target: DashboardTarget,
  { visitor, login }: DashboardSession,
  signingKey: Buffer,
  nowMs: number,
): string {
  const said = `${visitor}.${(nowMs + sessionLifetimeMs).toString(36)}.${login ?? ''}`
  return `s.${said}.${codeOf(target, said, signingKey)}`
}

/** Whose session it is and whether its hour is over; null: not one of this cluster and its owner. */
export function checkSession(
  token: string,
  target: DashboardTarget,
  signingKey: Buffer,
  nowMs: number,
): (DashboardSession & { readonly over: boolean }) | null {
  const match = /^s\.((owner|admin)\.([0-9a-z]{1,12})\.([\w-]{43})?)\.([\w-]{43})$/.exec(token)
  if (match === null) return null
  const [, said = '', kind, expiry = '', login = null, code = ''] = match
  // Both have 43 characters, so neither needs to be hashed first.
  if (!timingSafeEqual(Buffer.from(code), Buffer.from(codeOf(target, said, signingKey))))
    return null
  const visitor = kind === 'admin' ? 'admin' : 'owner'
  return { visitor, login, over: Number.parseInt(expiry, 36) <= nowMs }
}

// A page asks for dozens of files by one session, so the codes that were last made are kept.
const keptCodes = 1000
const codes = new WeakMap<Buffer, Map<string, string>>()

function codeOf(target: DashboardTarget, said: string, key: Buffer): string {
  const { clusterName, username } = target
  const signed = JSON.stringify(['dashboard session', clusterName, username, said])
  const kept = codes.get(key) ?? new Map<string, string>()
  codes.set(key, kept)
  const known = kept.get(signed)
  if (known !== undefined) return known
  const code = createHmac('sha256', key).update(signed).digest('base64url')
  const [oldest] = kept.keys()
  if (kept.size >= keptCodes && oldest !== undefined) kept.delete(oldest)
  kept.set(signed, code)
  return code
}

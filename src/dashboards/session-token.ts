import { createHmac } from 'node:crypto'
import type { DashboardTarget } from '../core/index.ts'
import { sameSecret } from '../util/index.ts'

/** Whom a session was given to. */
export type Visitor = 'owner' | 'admin'

export const sessionLifetimeMs = 60 * 60 * 1000

/**
 * The `~SESSION` of a dashboard: `s.KIND.EXPIRY.MAC`. The user and the cluster are not written into it (it is
 * part of a URL) but are covered by the code. A key of a cluster has no dot, so the two cannot be confused.
 */
export function issueSession(
  target: DashboardTarget,
  visitor: Visitor,
  signingKey: Buffer,
  nowMs: number,
): string {
  const expiry = (nowMs + sessionLifetimeMs).toString(36)
  return `s.${visitor}.${expiry}.${codeOf(target, visitor, expiry, signingKey)}`
}

/** Whose session it is and whether its hour is over; null: not one of this cluster and its owner. */
export function checkSession(
  token: string,
  target: DashboardTarget,
  signingKey: Buffer,
  nowMs: number,
): { readonly visitor: Visitor; readonly over: boolean } | null {
  const match = /^s\.(owner|admin)\.([0-9a-z]{1,12})\.([\w-]{43})$/.exec(token)
  if (match === null) return null
  const [, kind, expiry = '', code = ''] = match
  const visitor = kind === 'admin' ? 'admin' : 'owner'
  if (!sameSecret(code, codeOf(target, visitor, expiry, signingKey))) return null
  return { visitor, over: Number.parseInt(expiry, 36) <= nowMs }
}

function codeOf(target: DashboardTarget, visitor: Visitor, expiry: string, key: Buffer): string {
  const signed = ['dashboard session', target.clusterName, target.username, visitor, expiry]
  return createHmac('sha256', key).update(JSON.stringify(signed)).digest('base64url')
}

import type { AuthResult } from '../../core/index.ts'
import { faultOfName } from '../user-name.ts'

/** What the provider says of somebody (OpenID Connect Core 1.0, section 5.1). Its words, so checked before anything is made of them. */
export type Claims = { readonly [claim: string]: unknown }

export interface ClaimRules {
  readonly username_claim: string
  /** null: there are no groups. */
  readonly groups_claim: string | null
  /** null: the provider names no administrators. */
  readonly admin_claim: string | null
}

/** Whether a claim that the rules need is not among these. */
export function lacks(claims: Claims, rules: ClaimRules): boolean {
  const needed = [rules.username_claim, rules.groups_claim, rules.admin_claim]
  return needed.some((name) => name !== null && claimAt(claims, name) === undefined)
}

/** The user of ours whom the claims describe. */
export function userOfClaims(claims: Claims, rules: ClaimRules): AuthResult {
  const { username_claim, groups_claim, admin_claim } = rules
  const name = claimAt(claims, username_claim)
  if (typeof name !== 'string') return refused(`You have no claim ${username_claim} to be named by`)
  // Section 5.1: without it, anybody may have written any address into their account.
  if (username_claim === 'email' && claims.email_verified !== true)
    return refused('Your e-mail address is not verified')
  const fault = faultOf(name)
  if (fault !== null) return refused(fault)
  const groups = groups_claim === null ? [] : groupsOf(claimAt(claims, groups_claim))
  const admin = admin_claim !== null && claimAt(claims, admin_claim) === true
  return { outcome: 'accepted', user: { name, groups, admin } }
}

/** Whether the provider left the groups out since they were too many, as Entra ID does (section 5.6.2: aggregated claims). */
export function leavesOutGroups(claims: Claims, { groups_claim }: ClaimRules): boolean {
  const elsewhere = claims._claim_names
  return groups_claim !== null && isObject(elsewhere) && Object.hasOwn(elsewhere, groups_claim)
}

function faultOf(name: string): string | null {
  const fault = faultOfName(name)
  if (fault !== null) return fault
  if (name.trim() !== name) return 'The user name has spaces around it'
  // RFC 8265, section 3.3. Made the same here, two users of the provider could become one.
  return name.normalize('NFC') === name ? null : "The user name is not in Unicode's form NFC"
}

/** A text is one group, whatever is in it. */
function groupsOf(claim: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
  const names = all.filter((each): each is string => typeof each === 'string')
  return [...new Set(names.filter((name) => faultOfName(name) === null))]
}

/** A claim of this name, else what the name leads to by its dots. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  let found: unknown = claims
  for (const part of name.split('.')) {
    if (!isObject(found) || !Object.hasOwn(found, part)) return undefined
    found = found[part]
  }
  return found
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(reason: string): AuthResult {
  return { outcome: 'refused', reason }
}

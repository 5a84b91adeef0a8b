import { hash, randomBytes } from 'node:crypto'
import {
  type AccessToken,
  type AccessTokens,
  GatewayError,
  includesScope,
  type Logger,
  messageOf,
  type NewAccessToken,
  type TokenMaker,
  type TokenStore,
} from '../core/index.ts'
import { compareTexts, randomHex } from '../util/index.ts'

export interface AccessTokenSettings {
  /** Seconds that a token may live, whatever it was made for; 0: there are none; null: for ever. */
  readonly maxAge: number | null
}

const usualLifeSeconds = 90 * 24 * 3600
const minLifeSeconds = 60
// No calendar of JavaScript goes further than a Date: ECMA-262, section 21.4.1.1.
const maxLifeSeconds = 100 * 365 * 24 * 3600
const maxTokensPerUser = 100
// With no password, names cost nothing, so the limit by user alone would not bound the memory.
const maxTokens = 100_000
// A clock that is wrong for a day ends no token for good.
const keptAfterEndMs = 30 * 24 * 3600_000
const useIsWrittenEveryMs = 60_000

/** What a secret looks like: it can be found in a file where it should not be, and is no password. */
export const secretPattern = /^dgt_[\w-]{43}$/

/**
 * Access tokens in memory, written through to the store. A secret is 256 random bits: nobody guesses it, so that one round of SHA-256
 * keeps it as well as a slow hash would, which is for passwords that people think up. And looking it up by its hash tells by no
 * time how near a guess came.
 */
export async function createAccessTokens(
  store: TokenStore,
  { maxAge }: AccessTokenSettings,
  logger: Logger,
  now: () => number = Date.now,
): Promise<AccessTokens> {
  const byHash = new Map<string, AccessToken>()
  const hashOfId = new Map<string, string>()
  const idsOfUser = new Map<string, Set<string>>()
  // Names that are being written, so that no two at once get the same one.
  const begun = new Map<string, AccessToken>()

  const loaded = await store.loadTokens()
  const isOld = (token: AccessToken) => endOf(token) + keptAfterEndMs < now()
  const old = loaded.filter(({ token }) => isOld(token))
  if (old.length > 0) await store.removeTokens(old.map(({ token }) => token.id))
  for (const { hash, token } of loaded) if (!isOld(token)) remember(hash, token)

  function remember(secretHash: string, token: AccessToken): void {
    byHash.set(secretHash, token)
    hashOfId.set(token.id, secretHash)
    const ids = idsOfUser.get(token.user.name)
    if (ids === undefined) idsOfUser.set(token.user.name, new Set([token.id]))
    else ids.add(token.id)
  }

  function forget({ id, user }: AccessToken): void {
    byHash.delete(hashOfId.get(id) ?? '')
    hashOfId.delete(id)
    const ids = idsOfUser.get(user.name)
    ids?.delete(id)
    if (ids?.size === 0) idsOfUser.delete(user.name)
  }

  function byId(id: string): AccessToken | null {
    return byHash.get(hashOfId.get(id) ?? '') ?? null
  }

  function ofUser(username: string): readonly AccessToken[] {
    return [...(idsOfUser.get(username) ?? [])].flatMap((id) => byId(id) ?? [])
  }

  function endOf({ createdAt, expiresAt }: AccessToken): number {
    const end = maxAge === null ? Number.POSITIVE_INFINITY : createdAt + maxAge * 1000
    return Math.min(end, expiresAt ?? Number.POSITIVE_INFINITY)
  }

  /** With the end that it has by the setting of today. */
  function shown(token: AccessToken): AccessToken {
    const end = endOf(token)
    return { ...token, expiresAt: Number.isFinite(end) ? end : null }
  }

  async function remove(tokens: readonly AccessToken[]): Promise<void> {
    if (tokens.length === 0) return
    await store.removeTokens(tokens.map(({ id }) => id))
    for (const token of tokens) forget(token)
  }

  function checkRoom(name: string, username: string): void {
    const others = [...ofUser(username), ...begun.values()].filter(
      ({ user }) => user.name === username,
    )
    if (others.some((each) => each.name === name))
      throw new GatewayError(
        'conflict',
        `There is a token "${name}" already: revoke it, or choose another name`,
      )
    if (others.length >= maxTokensPerUser)
      throw new GatewayError('conflict', `There are ${maxTokensPerUser} tokens already: revoke one`)
    if (byHash.size + begun.size >= maxTokens)
      throw new GatewayError('unavailable', 'The gateway keeps no more tokens')
  }

  return {
    find(secret) {
      if (!secretPattern.test(secret)) return null
      const token = byHash.get(hashOf(secret))
      return token !== undefined && endOf(token) > now() ? shown(token) : null
    },
    holds(id) {
      const token = byId(id)
      return token !== null && endOf(token) > now()
    },
    used(token) {
      const time = now()
      // Not "less than": a clock may be set back.
      if (token.lastUsedAt !== null && Math.abs(time - token.lastUsedAt) < useIsWrittenEveryMs)
        return
      const secretHash = hashOfId.get(token.id) ?? ''
      const known = byHash.get(secretHash)
      if (known === undefined) return
      byHash.set(secretHash, { ...known, lastUsedAt: time })
      store.saveTokenUse(token.id, time).catch((error: unknown) => {
        logger.warn(`The use of a token could not be recorded: ${messageOf(error)}`)
      })
    },
    async create(asked, maker) {
      const { name: username } = maker.proved
      const token = newToken(asked, maker, { maxAge, now: now() })
      await remove(ofUser(username).filter((each) => endOf(each) <= now()))
      checkRoom(token.name, username)
      begun.set(token.id, token)
      try {
        const secret = `dgt_${randomBytes(32).toString('base64url')}`
        await store.addToken(hashOf(secret), token)
        remember(hashOf(secret), token)
        if (token.madeBy !== null && byId(token.madeBy) === null) {
          await remove([token])
          throw new GatewayError('unauthenticated', 'The token that asked has been revoked')
        }
        return { secret, token }
      } finally {
        begun.delete(token.id)
      }
    },
    list(username) {
      const tokens = username === null ? [...byHash.values()] : ofUser(username)
      return tokens
        .map(shown)
        .toSorted((a, b) => b.createdAt - a.createdAt || compareTexts(a.id, b.id))
    },
    async revoke(id, username) {
      const token = byId(id)
      if (token === null || (username !== null && token.user.name !== username))
        throw new GatewayError('not-found', `There is no token ${JSON.stringify(id.slice(0, 50))}`)
      await remove(withThoseMade(token, ofUser(token.user.name)))
      return token
    },
  }
}

/** Throws when the maker may not have it. */
function newToken(
  { name, scope, lifeSeconds }: NewAccessToken,
  { user, proved, token: by }: TokenMaker,
  { maxAge, now }: { readonly maxAge: number | null; readonly now: number },
): AccessToken {
  if (maxAge === 0)
    throw new GatewayError('forbidden', 'This gateway has no tokens (Authenticator.token_max_age)')
  if (by !== null && !includesScope(by.scope, scope))
    throw new GatewayError(
      'forbidden',
      `A token of the scope "${by.scope}" makes none of the scope "${scope}"`,
    )
  if (scope === 'admin' && !user.admin)
    throw new GatewayError('forbidden', `User ${user.name} is no administrator`)
  const atMost = maxAge ?? maxLifeSeconds
  if (typeof lifeSeconds === 'number' && !(lifeSeconds >= minLifeSeconds && lifeSeconds <= atMost))
    throw new GatewayError(
      'invalid',
      `A token lives at least a minute, and at most ${lengthOf(atMost)} here`,
    )
  if (lifeSeconds === null && maxAge !== null)
    throw new GatewayError(
      'invalid',
      `A token lives at most ${lengthOf(maxAge)} here, not for ever`,
    )
  const life = lifeSeconds === undefined ? Math.min(usualLifeSeconds, atMost) : lifeSeconds
  const asked = life === null ? null : now + Math.floor(life) * 1000
  const parentEnd = by?.expiresAt ?? null
  if (parentEnd !== null && lifeSeconds !== undefined && (asked === null || asked > parentEnd))
    throw new GatewayError('forbidden', 'A token makes none that lives longer than itself')
  return {
    id: randomHex(8),
    name,
    user: proved,
    scope,
    createdAt: now,
    expiresAt: parentEnd === null || asked === null ? asked : Math.min(asked, parentEnd),
    lastUsedAt: null,
    madeBy: by?.id ?? null,
  }
}

function lengthOf(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  return days >= 1 ? `${days} ${days === 1 ? 'day' : 'days'}` : `${Math.floor(seconds)} seconds`
}

function withThoseMade(token: AccessToken, all: readonly AccessToken[]): readonly AccessToken[] {
  const made = all.filter(({ madeBy }) => madeBy === token.id)
  return [token, ...made.flatMap((each) => withThoseMade(each, all))]
}

function hashOf(secret: string): string {
  return hash('sha256', secret)
}

import type { User } from './user.ts'

/** What an access token may do; each includes what those before it may. */
export const tokenScopes = ['read', 'manage', 'admin'] as const
export type TokenScope = (typeof tokenScopes)[number]

export function includesScope(scope: TokenScope, needed: TokenScope): boolean {
  return tokenScopes.indexOf(scope) >= tokenScopes.indexOf(needed)
}

/** A personal access token: it stands for its owner, as far as its scope goes. The secret is its owner's alone. */
export interface AccessToken {
  /** 16 hexadecimal digits; no secret. */
  readonly id: string
  /** As its owner calls it; no two of one owner have the same. */
  readonly name: string
  /** As the authenticator knew them last. */
  readonly user: User
  readonly scope: TokenScope
  /** Milliseconds since the epoch, as the next two. */
  readonly createdAt: number
  /** null: never. */
  readonly expiresAt: number | null
  /** Up to a minute old; null: not used yet. */
  readonly lastUsedAt: number | null
  /** The id of the token that made this one, with which it ends; null: none, its owner had logged in. */
  readonly madeBy: string | null
}

export interface NewAccessToken {
  readonly name: string
  readonly scope: TokenScope
  /** Seconds; null: for ever; undefined: as long as is usual. */
  readonly lifeSeconds: number | null | undefined
}

/** Who makes a token. */
export interface TokenMaker {
  readonly user: User
  /** As the authenticator knows them. */
  readonly proved: User
  /** What they came with; it must include what is asked for. null: they had logged in. */
  readonly token: AccessToken | null
}

/** Keeps access tokens; of a secret only a hash. What is done here is durable when it resolves. */
export interface AccessTokens {
  /** The token of a secret, if it counts now; null: none. Fast: called on every request. */
  find(secret: string): AccessToken | null
  /** Whether it still counts. */
  holds(id: string): boolean
  /** Remembers that it was used. */
  used(token: AccessToken): void
  /** Throws a sentence when it may not be. The secret is told this once. */
  create(
    asked: NewAccessToken,
    maker: TokenMaker,
  ): Promise<{ readonly secret: string; readonly token: AccessToken }>
  /** The newest first; null: everybody's. */
  list(username: string | null): readonly AccessToken[]
  /** Ends it, and those that it made. Throws 'not-found', also when it is not of `username`; null: anybody's. */
  revoke(id: string, username: string | null): Promise<AccessToken>
}

/** Access tokens on disk, by the hash of their secret. */
export interface TokenStore {
  loadTokens(): Promise<readonly { readonly hash: string; readonly token: AccessToken }[]>
  addToken(hash: string, token: AccessToken): Promise<void>
  /** Of one that has been removed: nothing. */
  saveTokenUse(id: string, lastUsedAt: number): Promise<void>
  removeTokens(ids: readonly string[]): Promise<void>
}

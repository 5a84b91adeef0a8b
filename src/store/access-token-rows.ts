import * as z from 'zod'
import { type AccessToken, tokenScopes } from '../core/index.ts'
import { flag, jsonText, parsedRow } from './rows.ts'
import type { AccessTokenRow } from './schema.ts'

export function tokenToRow(hash: string, token: AccessToken): AccessTokenRow {
  return {
    hash,
    id: token.id,
    name: token.name,
    username: token.user.name,
    groups: JSON.stringify(token.user.groups),
    admin: Number(token.user.admin),
    scope: token.scope,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    last_used_at: token.lastUsedAt,
    made_by: token.madeBy,
  }
}

export function tokenFromRow(row: unknown): {
  readonly hash: string
  readonly token: AccessToken
} {
  const found = parsedRow(tokenRow, 'access_token', row)
  const token: AccessToken = {
    id: found.id,
    name: found.name,
    user: { name: found.username, groups: found.groups, admin: found.admin },
    scope: found.scope,
    createdAt: found.created_at,
    expiresAt: found.expires_at,
    lastUsedAt: found.last_used_at,
    madeBy: found.made_by,
  }
  return { hash: found.hash, token }
}

const tokenRow = z.object({
  hash: z.string(),
  id: z.string(),
  name: z.string(),
  username: z.string(),
  groups: jsonText(z.array(z.string())),
  admin: flag,
  scope: z.enum(tokenScopes),
  created_at: z.number(),
  expires_at: z.number().nullable(),
  last_used_at: z.number().nullable(),
  made_by: z.string().nullable(),
})

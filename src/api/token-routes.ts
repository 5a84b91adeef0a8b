import type { FastifyRequest } from 'fastify'
import {
  type AccessToken,
  type AccessTokens,
  GatewayError,
  type NewAccessToken,
  tokenScopes,
} from '../core/index.ts'
import { jsonObject } from './json-body.ts'
import { adminRoute, audit, queryOf, type RouteContext, userRoute } from './route-context.ts'

const maxNameLength = 100

/** Personal access tokens: of oneself, and for administrators everybody's. */
export function addTokenRoutes(context: RouteContext): void {
  const { tokens } = context.authentication
  if (tokens === null) return
  addOwn(context, tokens)

  adminRoute(context, 'GET', '/api/v1/admin/tokens', (_admin, request) => ({
    tokens: tokens.list(queryOf(request, 'user')).map(tokenReport),
  }))
  adminRoute(context, 'DELETE', '/api/v1/admin/tokens/:id', async (admin, request) => {
    const token = await tokens.revoke(idOf(request), null)
    const message = `${described(token)} of ${token.user.name}`
    audit(context, { action: 'admin-token-revoke', message }, admin, request)
  })
}

function addOwn(context: RouteContext, tokens: AccessTokens): void {
  const url = '/api/v1/user/tokens'

  userRoute(context, 'GET', url, (user) => ({ tokens: tokens.list(user.name).map(tokenReport) }))

  userRoute(context, 'POST', url, async (user, request, reply) => {
    const asked = newTokenOf(request.body)
    const { proved, token: by } = request.caller ?? { proved: user, token: null }
    const { secret, token } = await tokens.create(asked, { user, proved, token: by })
    audit(context, { action: 'token-create', message: described(token) }, user, request)
    reply.code(201)
    return { ...tokenReport(token), secret }
  })

  userRoute(context, 'DELETE', `${url}/:id`, async (user, request) => {
    const token = await tokens.revoke(idOf(request), user.name)
    audit(context, { action: 'token-revoke', message: described(token) }, user, request)
  })
}

export function tokenReport(token: AccessToken) {
  return {
    id: token.id,
    name: token.name,
    username: token.user.name,
    scope: token.scope,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    last_used_at: token.lastUsedAt,
  }
}

function described({ id, name, scope }: AccessToken): string {
  return `token ${id} "${name}", scope ${scope}`
}

function newTokenOf(body: unknown): NewAccessToken {
  const { name, scope, expires_in } = jsonObject(body)
  if (typeof name !== 'string' || name === '' || name.length > maxNameLength || !isOneLine(name))
    throw new GatewayError(
      'invalid',
      `name must be one line of 1 to ${maxNameLength} characters: what the token is for`,
    )
  const known = tokenScopes.find((each) => each === scope)
  if (known === undefined)
    throw new GatewayError('invalid', `scope must be one of ${tokenScopes.join(', ')}`)
  if (expires_in === undefined || expires_in === null || typeof expires_in === 'number')
    return { name, scope: known, lifeSeconds: expires_in }
  throw new GatewayError('invalid', 'expires_in must be a number of seconds, or null: never')
}

/** Nothing that a terminal or a log takes for more than a character; the joiner of emoji is let be. */
function isOneLine(text: string): boolean {
  return !/(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text) && text.trim() === text
}

function idOf(request: FastifyRequest): string {
  return (request.params as { readonly id: string }).id
}

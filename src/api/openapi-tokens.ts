import type { openApiParts } from './openapi-parts.ts'

/** The routes for personal access tokens. */
export function tokenPaths({
  answer,
  body,
  failure,
  query,
  tokenId,
  unauthenticated,
  user,
  wrong,
}: typeof openApiParts) {
  const notAdmin = { 403: failure('Not an administrator.') }
  const gone = { 204: { description: 'It is revoked, with those that it made.' } }
  const unknown = { 404: failure('No such token.') }
  return {
    '/api/v1/user/tokens': {
      get: {
        summary: 'Own access tokens, the newest first',
        security: user,
        responses: { 200: answer('Without their secrets.', 'AccessTokens'), ...unauthenticated },
      },
      post: {
        summary: 'Make an access token',
        description:
          'By a token: one of no wider scope, that lives no longer; it is revoked with the token that made it.',
        security: user,
        requestBody: body('NewAccessToken'),
        responses: {
          201: answer('The token, with its secret this once.', 'CreatedAccessToken'),
          ...unauthenticated,
          403: failure('More than one may have.'),
          409: failure('The name is taken, or there are too many.'),
          ...wrong,
        },
      },
    },
    '/api/v1/user/tokens/{id}': {
      delete: {
        summary: 'Revoke an own access token',
        security: user,
        parameters: [tokenId],
        responses: { ...gone, ...unauthenticated, ...unknown },
      },
    },
    '/api/v1/admin/tokens': {
      get: {
        summary: "Everybody's access tokens, the newest first",
        security: user,
        parameters: [query('user', 'Whose; exactly.', { type: 'string' })],
        responses: {
          200: answer('Without their secrets.', 'AccessTokens'),
          ...unauthenticated,
          ...notAdmin,
        },
      },
    },
    '/api/v1/admin/tokens/{id}': {
      delete: {
        summary: "Revoke anybody's access token",
        security: user,
        parameters: [tokenId],
        responses: { ...gone, ...unauthenticated, ...notAdmin, ...unknown },
      },
    },
  }
}

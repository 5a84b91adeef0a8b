import { usageKeys } from '../core/index.ts'
import type { openApiParts } from './openapi-parts.ts'

/** The routes that tell what was used. */
export function usagePaths({
  answer,
  failure,
  query,
  unauthenticated,
  user,
  wrong,
}: typeof openApiParts) {
  const day = { type: 'string', format: 'date' }
  const parameters = [
    query('from', 'The first day (UTC); the first of the month of `to` unless said.', day),
    query('to', 'The last day (UTC); today unless said.', day),
    query('by', `What sums are made for: of ${usageKeys.join(', ')}, with commas.`, {
      type: 'string',
    }),
    query('format', '"csv": a table as RFC 4180 has it.', { enum: ['json', 'csv'] }),
  ]
  const sums = answer('The sums; of each that has none there is none.', 'Usage')
  const responses = {
    200: {
      ...sums,
      content: { ...sums.content, 'text/csv': { schema: { type: 'string' } } },
    },
    ...unauthenticated,
    ...wrong,
  }
  return {
    '/api/v1/usage': {
      get: {
        summary: 'What own clusters used, those that run included; by day unless said',
        security: user,
        parameters,
        responses,
      },
    },
    '/api/v1/admin/usage': {
      get: {
        summary: "What everybody's clusters used; by user unless said",
        security: user,
        parameters: [...parameters, query('user', 'Whose; exactly.', { type: 'string' })],
        responses: { ...responses, 403: failure('Not an administrator.') },
      },
    },
  }
}

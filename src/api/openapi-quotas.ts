import { quotaScopes } from '../core/index.ts'
import type { openApiParts } from './openapi-parts.ts'

/** The routes for quotas. */
export function quotaPaths({
  answer,
  body,
  failure,
  unauthenticated,
  user,
  wrong,
}: typeof openApiParts) {
  const forAdmins = { ...unauthenticated, 403: failure('Not an administrator.') }
  const holder = [
    {
      name: 'scope',
      in: 'path',
      required: true,
      description: 'Whether it is of a user or of a group.',
      schema: { enum: quotaScopes },
    },
    {
      name: 'name',
      in: 'path',
      required: true,
      description: 'Whose, exactly; percent-encoded, slashes too.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  ]
  return {
    '/api/v1/quota': {
      get: {
        summary: "One's own quota, and those of one's groups that have one",
        security: user,
        responses: { 200: answer('Limits, and what is in use.', 'Quotas'), ...unauthenticated },
      },
    },
    '/api/v1/admin/quotas': {
      get: {
        summary: 'The quotas of all who use something, or have limits of their own',
        security: user,
        responses: { 200: answer('Limits, and what is in use.', 'Quotas'), ...forAdmins },
      },
    },
    '/api/v1/admin/quotas/{scope}/{name}': {
      put: {
        summary: 'Set limits that win over those of the configuration',
        description:
          'They take the place of those that an administrator had set. What runs is not stopped for it; `notice` says when it is more.',
        security: user,
        parameters: holder,
        requestBody: body('QuotaLimits'),
        responses: { 200: answer('What holds now.', 'Quota'), ...forAdmins, ...wrong },
      },
      delete: {
        summary: "Take such limits back: the configuration's hold again",
        security: user,
        parameters: holder,
        responses: {
          204: { description: 'They are taken back.' },
          ...forAdmins,
          404: failure('None are set.'),
        },
      },
    },
  }
}

import type { FastifyRequest } from 'fastify'
import type { QuotaReport, QuotaReports } from '../clusters/index.ts'
import {
  GatewayError,
  type QuotaHolder,
  type QuotaLimits,
  quotaResources,
  quotaScopes,
  readQuotaLimits,
} from '../core/index.ts'
import { jsonObject } from './json-body.ts'
import { adminRoute, audit, type RouteContext, userRoute } from './route-context.ts'

const maxNameLength = 255

/** Quotas: how one's own stand, and for administrators everybody's, and others than the configuration's. */
export function addQuotaRoutes(context: RouteContext): void {
  const { service } = context
  const one = '/api/v1/admin/quotas/:scope/:name'

  userRoute(context, 'GET', '/api/v1/quota', (user) => reportsOf(service.ownQuotas(user)))

  adminRoute(context, 'GET', '/api/v1/admin/quotas', () => reportsOf(service.allQuotas()))

  adminRoute(context, 'PUT', one, async (admin, request) => {
    const holder = holderOf(request)
    const limits = limitsOf(request.body)
    const report = await service.setQuota(admin, holder, limits)
    const words = quotaResources.flatMap((each) =>
      limits[each] === undefined ? [] : [`${each} ${limits[each] ?? 'without limit'}`],
    )
    const message = `${described(holder)}: ${words.join(', ')}`
    audit(context, { action: 'admin-quota-set', message }, admin, request)
    return reportOf(report)
  })

  adminRoute(context, 'DELETE', one, async (admin, request) => {
    const holder = holderOf(request)
    await service.unsetQuota(holder)
    audit(context, { action: 'admin-quota-unset', message: described(holder) }, admin, request)
  })
}

function reportsOf({ over, quotas }: QuotaReports) {
  return { over, quotas: quotas.map(reportOf) }
}

function reportOf({ scope, name, resources, override, notice }: QuotaReport) {
  return {
    scope,
    name,
    ...resources,
    override:
      override === null
        ? null
        : { limits: override.limits, set_by: override.setBy, set_at: override.setAt },
    notice,
  }
}

/** The name is the one that users have: case and accents make another. */
function holderOf(request: FastifyRequest): QuotaHolder {
  const { scope, name } = request.params as { readonly scope: string; readonly name: string }
  const known = quotaScopes.find((each) => each === scope)
  if (known === undefined)
    throw new GatewayError('not-found', `There are quotas of ${quotaScopes.join(' and ')} only`)
  if (name === '' || name.length > maxNameLength || /[\p{Cc}\p{Cs}]/u.test(name))
    throw new GatewayError(
      'invalid',
      `The name of a ${known} must be 1 to ${maxNameLength} characters, none of them a control character`,
    )
  return { scope: known, name }
}

function limitsOf(body: unknown): QuotaLimits {
  const limits = readQuotaLimits(jsonObject(body))
  if (typeof limits === 'string') throw new GatewayError('invalid', `The limits: ${limits}`)
  if (Object.keys(limits).length > 0) return limits
  throw new GatewayError(
    'invalid',
    `The limits name none of ${quotaResources.join(', ')}; DELETE takes back what was set`,
  )
}

function described({ scope, name }: QuotaHolder): string {
  return `${scope} ${JSON.stringify(name)}`
}

import { type QuotaHolder, type QuotaResource, quotaResources, type User } from '../core/index.ts'
import { compareTexts } from '../util/index.ts'
import type { QuotaReport, QuotaReports } from './cluster-service.ts'
import { holdersOf, keyOf, type QuotaLedger } from './quota-ledger.ts'
import type { LimitTable } from './quota-limits.ts'
import { standing } from './quota-words.ts'

interface Parts {
  readonly ledger: QuotaLedger
  readonly limits: LimitTable
}

/** The user's own, and those of the user's groups that have one. */
export function quotasOfUser(parts: Parts, user: User): QuotaReports {
  const reports = holdersOf({ username: user.name, groups: user.groups }).map((holder) =>
    quotaReport(parts, holder),
  )
  const quotas = reports.filter(
    ({ scope, resources }) =>
      scope === 'user' || quotaResources.some((resource) => resources[resource].limit !== null),
  )
  return { over: parts.limits.over, quotas }
}

/** Of all who have something, or limits of their own: users, then groups, by name. */
export function allQuotas(parts: Parts): QuotaReports {
  const { ledger, limits } = parts
  const holders = new Map(
    [...ledger.holders(), ...limits.holders()].map(({ scope, name }) => [
      keyOf({ scope, name }),
      { scope, name },
    ]),
  )
  const quotas = [...holders.values()]
    .sort((a, b) =>
      a.scope === b.scope ? compareTexts(a.name, b.name) : compareTexts(b.scope, a.scope),
    )
    .map((holder) => quotaReport(parts, holder))
  return { over: limits.over, quotas }
}

export function quotaReport({ ledger, limits }: Parts, holder: QuotaHolder): QuotaReport {
  const used = ledger.used(holder)
  const of = (resource: QuotaResource) => ({
    ...limits.of(holder, resource),
    used: used[resource],
  })
  const resources = {
    clusters: of('clusters'),
    workers: of('workers'),
    cores: of('cores'),
    memory: of('memory'),
  }
  const beyond = quotaResources.flatMap((resource) => {
    const { limit } = resources[resource]
    if (limit === null || used[resource] <= limit) return []
    return [standing({ holder, resource, limit, used: used[resource], asked: 0 })]
  })
  const notice =
    beyond.length === 0
      ? null
      : `${beyond.join('. ')}. Nothing is stopped for it, and nothing new starts until it is less.`
  return { ...holder, resources, override: limits.override(holder), notice }
}

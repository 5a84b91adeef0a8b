import { nearestName } from '../util/index.ts'
import { memory } from './setting-types.ts'

/** What quotas limit, over all clusters of a user or of a group that have not ended. */
export const quotaResources = ['clusters', 'workers', 'cores', 'memory'] as const
export type QuotaResource = (typeof quotaResources)[number]

/** So much of each; memory in bytes. */
export type Amounts = { readonly [resource in QuotaResource]: number }

/** null: without limit. Absent: what is said elsewhere holds. */
export type QuotaLimits = { readonly [resource in QuotaResource]?: number | null }

export const quotaScopes = ['user', 'group'] as const
export type QuotaScope = (typeof quotaScopes)[number]

/** Whose quota it is. Names are compared exactly: case and accents make another name. */
export interface QuotaHolder {
  readonly scope: QuotaScope
  readonly name: string
}

/** Limits that an administrator has set by the API; they win over the configuration's. */
export interface QuotaOverride extends QuotaHolder {
  readonly limits: QuotaLimits
  readonly setBy: string
  /** Milliseconds since the epoch. */
  readonly setAt: number
}

/** Keeps what administrators have set. */
export interface QuotaStore {
  loadQuotas(): Promise<readonly QuotaOverride[]>
  /** Replaces the one of the same holder. */
  saveQuota(override: QuotaOverride): Promise<void>
  removeQuota(holder: QuotaHolder): Promise<void>
}

/** Limits as a configuration or the API gives them; a text says what is wrong with them. */
export function readQuotaLimits(value: unknown): QuotaLimits | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `must be a dict of ${quotaResources.join(', ')}`
  const limits: { -readonly [resource in QuotaResource]?: number | null } = {}
  for (const [key, given] of Object.entries(value)) {
    const resource = quotaResources.find((each) => each === key)
    if (resource === undefined) {
      const near = nearestName(key, quotaResources)
      const hint = near === null ? '' : `; did you mean "${near}"?`
      return `${JSON.stringify(key)} is none of ${quotaResources.join(', ')}${hint}`
    }
    const amount = amountOf(resource, given)
    if (typeof amount === 'string') return `${resource} ${amount}`
    limits[resource] = amount
  }
  return limits
}

function amountOf(resource: QuotaResource, given: unknown): number | null | string {
  if (given === null) return null
  if (resource === 'memory') {
    const bytes = memory.schema.safeParse(given)
    return bytes.success ? bytes.data : (bytes.error.issues[0]?.message ?? 'is no memory')
  }
  const isWhole = resource !== 'cores'
  const isRight = typeof given === 'number' && given >= 0 && given <= Number.MAX_SAFE_INTEGER
  if (isRight && (!isWhole || Number.isInteger(given))) return given
  return `must be ${isWhole ? 'a whole number' : 'a number'} of at least 0, or null (None): without limit`
}

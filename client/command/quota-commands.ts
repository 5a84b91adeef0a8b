import type {
  Calling,
  GatewayClient,
  Quota,
  QuotaLimits,
  QuotaResource,
  QuotaScope,
  Quotas,
} from '../src/index.ts'
import type { Command, Context } from './context.ts'
import { UsageError } from './exit-codes.ts'
import { sizeOf, timeOf } from './words.ts'

export const quotaScopes: readonly QuotaScope[] = ['user', 'group']
const quotaResources: readonly QuotaResource[] = ['clusters', 'workers', 'cores', 'memory']
const headings = ['RESOURCE', 'USED', 'LIMIT', 'SET BY'] as const

export const quotaCommands: readonly Command[] = [
  {
    name: 'quota',
    operands: [],
    summary: 'how much you and your groups use, and may',
    options: {},
    run: (context) => show(context, (gateway, call) => gateway.quota(call)),
  },
]

export const adminQuotaCommands: readonly Command[] = [
  {
    name: 'admin quota ls',
    operands: [],
    summary: "everybody's use and limits",
    options: {},
    run: (context) => show(context, (gateway, call) => gateway.admin.quotas(call)),
  },
  {
    name: 'admin quota set',
    operands: ['SCOPE', 'NAME', 'LIMIT…'],
    summary:
      'set limits of a user or a group in place of those set before: clusters=5 workers=100 cores=64 memory=256G, or =none',
    options: {},
    async run({ gateway, operands, output, signal }) {
      const [scope, name, limits] = [scopeOf(operands), operands[1] ?? '', limitsOf(operands)]
      const quota = await (await gateway()).admin.setQuota(scope, name, limits, { signal })
      if (output.isJson) output.json(quota)
      else printAll(output, [quota])
      return undefined
    },
  },
  {
    name: 'admin quota unset',
    operands: ['SCOPE', 'NAME'],
    summary: "take such limits back: the configuration's hold again",
    options: {},
    async run({ gateway, operands, output, signal }) {
      const [scope, name] = [scopeOf(operands), operands[1] ?? '']
      await (await gateway()).admin.unsetQuota(scope, name, { signal })
      if (output.isJson) output.json({ unset: { scope, name } })
      return undefined
    },
  },
]

async function show(
  { gateway, output, signal }: Context,
  ask: (gateway: GatewayClient, calling: Calling) => Promise<Quotas>,
): Promise<undefined> {
  const { over, quotas } = await ask(await gateway(), { signal })
  if (output.isJson) output.json({ over, quotas })
  else printAll(output, quotas)
  return undefined
}

function printAll(output: Context['output'], quotas: readonly Quota[]): void {
  output.table(
    ['QUOTA OF', ...headings],
    quotas.flatMap((quota) =>
      quotaResources.map((resource) => [`${quota.scope} ${quota.name}`, ...rowOf(quota, resource)]),
    ),
  )
  for (const { notice } of quotas) if (notice !== null) output.notice(notice)
}

function rowOf(quota: Quota, resource: QuotaResource): string[] {
  const { limit, used, source } = quota[resource]
  const shown = (amount: number) => (resource === 'memory' ? sizeOf(amount) : String(amount))
  const by =
    source === 'administrator' && quota.override !== null
      ? `${quota.override.set_by} at ${timeOf(quota.override.set_at)}`
      : (source ?? '')
  return [resource, shown(used), limit === null ? 'none' : shown(limit), by]
}

function scopeOf([given]: readonly string[]): QuotaScope {
  const scope = quotaScopes.find((each) => each === given)
  if (scope !== undefined) return scope
  throw new UsageError(`SCOPE: "${given}" is none of ${quotaScopes.join(', ')}`)
}

function limitsOf(operands: readonly string[]): QuotaLimits {
  const limits: { -readonly [resource in keyof QuotaLimits]: QuotaLimits[resource] } = {}
  for (const given of operands.slice(2)) {
    const [key = '', value = ''] = given.split(/=(.*)/s)
    const resource = quotaResources.find((each) => each === key)
    if (resource === undefined || value === '')
      throw new UsageError(
        `LIMIT: "${given}" is no ${quotaResources.join('=…, ')}=…, such as cores=64`,
      )
    if (value === 'none') limits[resource] = null
    else if (resource === 'memory') limits.memory = value
    else limits[resource] = numberOf(given, value)
  }
  return limits
}

/** Which numbers are right for which resource is the gateway's to say. */
function numberOf(given: string, value: string): number {
  const number = Number(value)
  if (Number.isFinite(number)) return number
  throw new UsageError(`LIMIT: "${given}" is no number; write such as cores=64, or cores=none`)
}

import type { QuotaHolder, QuotaResource } from '../core/index.ts'

/** A quota without room for what is asked. */
export interface Shortage {
  readonly holder: QuotaHolder
  readonly resource: QuotaResource
  readonly limit: number
  readonly used: number
  readonly asked: number
}

const hint = 'Stop a cluster that is not needed, or ask an administrator for more.'

/** Why one waits. */
export function waiting(shortage: Shortage): string {
  return `Waits for quota: ${standing(shortage).replace(/^The quota/, 'that')}`
}

/** Why a new cluster is refused. */
export function refusal(shortage: Shortage): string {
  const { resource, asked } = shortage
  const verb = asked === 1 ? 'was' : 'were'
  return `${standing(shortage)}; ${numberText(resource, asked)} more ${verb} asked for. ${hint}`
}

/** Why it is refused even where others wait. */
export function refusalForEver({ holder, resource, limit, asked }: Shortage): string {
  return `The quota of ${holderText(holder)} is ${amountText(resource, limit)}, and a cluster without workers needs ${amountText(resource, asked)}: it could never start. Choose a smaller scheduler, or ask an administrator for more.`
}

/** "The quota of user alice is 5 clusters and 5 are in use" */
export function standing({ holder, resource, limit, used }: Shortage): string {
  const verb = used === 1 ? 'is' : 'are'
  return `The quota of ${holderText(holder)} is ${amountText(resource, limit)} and ${numberText(resource, used)} ${verb} in use`
}

/** "the quota of user alice is 5 clusters", whatever is in use. */
export function quotaText({ holder, resource, limit }: Shortage): string {
  return `the quota of ${holderText(holder)} is ${amountText(resource, limit)}`
}

/** "the quota of user alice (5 workers, 3 in use)" */
export function usedText({ holder, resource, limit, used }: Shortage): string {
  return `the quota of ${holderText(holder)} (${amountText(resource, limit)}, ${numberText(resource, used)} in use)`
}

/** "user alice"; a name that could be taken for more than a name stands in quotes. */
export function holderText({ scope, name }: QuotaHolder): string {
  return `${scope} ${/^[\w.@+-]{1,100}$/.test(name) ? name : JSON.stringify(name)}`
}

/** "5 clusters", "256 GiB of memory" */
export function amountText(resource: QuotaResource, amount: number): string {
  if (resource === 'memory') return `${numberText(resource, amount)} of memory`
  return `${amount} ${amount === 1 ? resource.slice(0, -1) : resource}`
}

function numberText(resource: QuotaResource, amount: number): string {
  if (resource !== 'memory') return String(amount)
  const power = Math.min(4, amount < 1 ? 0 : Math.floor(Math.log2(amount) / 10))
  return `${Number((amount / 1024 ** power).toFixed(2))} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}

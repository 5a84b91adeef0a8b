import {
  type Amounts,
  type Cluster,
  isFinal,
  type QuotaHolder,
  quotaResources,
  type Worker,
} from '../core/index.ts'

export const nothing: Amounts = { clusters: 0, workers: 0, cores: 0, memory: 0 }

/** What a cluster with so many workers takes of its quotas, its scheduler included. */
export function amountsOf(settings: Cluster['settings'], workers: number): Amounts {
  return {
    clusters: 1,
    workers,
    cores: settings.scheduler_cores + workers * settings.worker_cores,
    memory: settings.scheduler_memory + workers * settings.worker_memory,
  }
}

/** What a cluster holds: until the backend has confirmed its end, and each worker until that one's. One that waits holds nothing. */
export function heldBy(cluster: Cluster, workers: Iterable<Worker>): Amounts {
  if (isFinal(cluster.status) || cluster.queued !== null) return nothing
  let count = 0
  for (const { status } of workers) if (!isFinal(status)) count += 1
  return amountsOf(cluster.settings, count)
}

/** Whose quotas a cluster counts in: its owner's, and those of the groups that its owner was in when it was created. */
export function holdersOf({
  username,
  groups,
}: Pick<Cluster, 'username' | 'groups'>): readonly QuotaHolder[] {
  return [
    { scope: 'user', name: username },
    ...[...new Set(groups)].map((name): QuotaHolder => ({ scope: 'group', name })),
  ]
}

/** A holder as a key of maps. */
export function keyOf({ scope, name }: QuotaHolder): string {
  return `${scope}:${name}`
}

export function each(amount: (resource: keyof Amounts) => number): Amounts {
  return Object.fromEntries(
    quotaResources.map((resource) => [resource, amount(resource)]),
  ) as unknown as Amounts
}

export function sumOf(a: Amounts, b: Amounts): Amounts {
  return each((resource) => a[resource] + b[resource])
}

/**
 * Who holds how much, and who waits, by the records and by what is about to be written into them. `Records` tells: before it
 * writes, in the same turn of the event loop in which the change was decided, and again when that is on disk or could not be
 * written. Whoever decides after a look here, waiting for nothing in between, is thus never wrong about the room that there
 * is, as this process alone holds the store's lock.
 */
export class QuotaLedger {
  /** Called when something here, or in the line, has changed; `freed`: whose quotas have more room than before. */
  onChange: (freed: readonly QuotaHolder[]) => void = () => {}
  readonly #held = new Map<string, Amounts>()
  readonly #used = new Map<string, { readonly holder: QuotaHolder; amounts: Amounts }>()
  readonly #line = new Map<string, Cluster>()

  /** This may become true, or not: until that is known the cluster holds what it holds now and what it would. */
  writing(cluster: Cluster, workers: Iterable<Worker>): void {
    const now = this.#held.get(cluster.name) ?? nothing
    const then = heldBy(cluster, workers)
    this.#hold(
      cluster,
      each((resource) => Math.max(now[resource], then[resource])),
    )
    if (!this.#line.has(cluster.name)) this.#wait(cluster)
  }

  /** This is true. */
  written(cluster: Cluster, workers: Iterable<Worker>): void {
    this.#wait(cluster)
    this.#hold(cluster, heldBy(cluster, workers))
  }

  /** There is no such cluster, or there never was. */
  removed(cluster: Cluster): void {
    if (this.#line.delete(cluster.name)) this.onChange(holdersOf(cluster))
    this.#hold(cluster, nothing)
  }

  used(holder: QuotaHolder): Amounts {
    return this.#used.get(keyOf(holder))?.amounts ?? nothing
  }

  /** Whoever holds something. */
  holders(): readonly QuotaHolder[] {
    return [...this.#used.values()].map(({ holder }) => holder)
  }

  /** The clusters that wait, in their order. */
  line(): readonly Cluster[] {
    return [...this.#line.values()].toSorted((a, b) => (a.queued ?? 0) - (b.queued ?? 0))
  }

  #wait(cluster: Cluster): void {
    const waits = cluster.queued !== null && cluster.target === 'running'
    const before = this.#line.get(cluster.name)
    if (waits) this.#line.set(cluster.name, cluster)
    else if (this.#line.delete(cluster.name)) this.onChange(holdersOf(cluster))
    if (waits && before === undefined) this.onChange([])
  }

  #hold(cluster: Cluster, amounts: Amounts): void {
    const before = this.#held.get(cluster.name) ?? nothing
    if (quotaResources.every((resource) => before[resource] === amounts[resource])) return
    const holders = holdersOf(cluster)
    for (const holder of holders) this.#add(holder, before, amounts)
    if (amounts.clusters === 0) this.#held.delete(cluster.name)
    else this.#held.set(cluster.name, amounts)
    const isLess = quotaResources.some((resource) => amounts[resource] < before[resource])
    this.onChange(isLess ? holders : [])
  }

  #add(holder: QuotaHolder, before: Amounts, after: Amounts): void {
    const key = keyOf(holder)
    const used = this.#used.get(key)?.amounts ?? nothing
    const amounts = each((resource) => used[resource] - before[resource] + after[resource])
    if (amounts.clusters === 0) this.#used.delete(key)
    else this.#used.set(key, { holder, amounts })
  }
}

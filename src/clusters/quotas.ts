import {
  type Amounts,
  type Cluster,
  type ClusterSettings,
  GatewayError,
  type QuotaHolder,
  type QuotaLimits,
  type QuotaOverride,
  type QuotaPolicy,
  type QuotaResource,
  type QuotaStore,
  quotaResources,
  quotaScopes,
  type User,
} from '../core/index.ts'
import type { Limit, QuotaReport, QuotaReports } from './cluster-service.ts'
import { amountsOf, each, holdersOf, keyOf, nothing, type QuotaLedger } from './quota-ledger.ts'
import {
  holderText,
  refusal,
  refusalForEver,
  type Shortage,
  standing,
  waiting,
} from './quota-words.ts'

export interface QuotasParts {
  readonly ledger: QuotaLedger
  readonly store: QuotaStore
  /** The configuration's; asked for again at a reload. */
  readonly policy: () => QuotaPolicy
  /** Whether no new clusters are wanted. */
  readonly isDraining: () => boolean
  /** Wakes the reconciler. */
  readonly wake: (name: string) => void
}

/** How many workers there is room for, and the quota that says so; null: none does. */
export interface WorkerRoom {
  readonly workers: number
  readonly tightest: Shortage | null
}

/** The line at a moment. */
interface Line {
  /** What each waits for; null: nothing any more. */
  readonly reasons: ReadonlyMap<string, string | null>
  /** Whose quotas somebody waits for. */
  readonly blocked: ReadonlySet<string>
  /** With those in the line that may start. */
  readonly used: (holder: QuotaHolder) => Amounts
}

/**
 * What users and groups may have together. All answers are of this moment, and none is waited for: what is decided by
 * one is handed to `Records` in the same turn of the event loop, which tells the ledger before it writes.
 */
export class Quotas {
  readonly #parts: QuotasParts
  readonly #overrides = new Map<string, QuotaOverride>()
  /** Clusters with fewer workers than they should have. */
  readonly #short = new Map<string, Cluster>()
  #policy: QuotaPolicy
  #lastTicket = 0
  #line: Line | null = null

  constructor(parts: QuotasParts) {
    this.#parts = parts
    this.#policy = parts.policy()
    parts.ledger.onChange = (freed) => {
      this.#line = null
      if (freed.length > 0) this.#wake(new Set(freed.map(keyOf)))
    }
  }

  /** Reads what administrators have set. */
  async load(): Promise<void> {
    for (const override of await this.#parts.store.loadQuotas())
      this.#overrides.set(keyOf(override), override)
  }

  /** Takes the configuration's values anew. */
  reload(): void {
    this.#policy = this.#parts.policy()
    this.wakeAll()
  }

  /** All who wait look again whether they still must. */
  wakeAll(): void {
    this.#line = null
    this.#wake(null)
  }

  /**
   * Whether a new cluster may begin: null, or its place in the line. Throws 'conflict' when it may not. Whoever asks hands
   * the cluster to `Records` without waiting for anything.
   */
  admit(owner: Pick<Cluster, 'username' | 'groups'>, settings: ClusterSettings): number | null {
    const holders = holdersOf(owner)
    const amounts = amountsOf(settings, 0)
    const [never] = this.#shortages(holders, amounts, () => nothing)
    if (never !== undefined) throw new GatewayError('conflict', refusalForEver(never))
    const line = this.#lookAlong()
    const [shortage] = this.#shortages(holders, amounts, line.used)
    const isBehind = holders.some((holder) => line.blocked.has(keyOf(holder)))
    if (shortage === undefined && !isBehind) return null
    if (this.#policy.over === 'queue') {
      const last = this.#parts.ledger.line().at(-1)?.queued ?? 0
      this.#lastTicket = Math.max(this.#lastTicket, last) + 1
      return this.#lastTicket
    }
    if (shortage === undefined) return null
    throw new GatewayError('conflict', refusal(shortage))
  }

  /** What a cluster in the line waits for, in words; null: nothing any more. */
  waitsFor({ name, queued }: Cluster): string | null {
    if (queued === null) return null
    if (this.#parts.isDraining()) return 'Waits: no new clusters are started at the moment'
    return this.#lookAlong().reasons.get(name) ?? null
  }

  /** How many workers a cluster may begin now, besides those that it has. */
  roomForWorkers(cluster: Cluster): WorkerRoom {
    return this.#workersThatFit(cluster, (holder) => this.#parts.ledger.used(holder))
  }

  /** How many workers a cluster could have if nothing else was there. */
  mostWorkers(cluster: Cluster): WorkerRoom {
    const alone = amountsOf(cluster.settings, 0)
    return this.#workersThatFit(cluster, () => alone)
  }

  /** Says whether a cluster has fewer workers than it should, so that it is woken when there is room. */
  setShort(cluster: Cluster, isShort: boolean): void {
    if (isShort) this.#short.set(cluster.name, cluster)
    else this.#short.delete(cluster.name)
  }

  /** The user's own, and those of the user's groups that have one. */
  ofUser(user: User): QuotaReports {
    const [own, ...groups] = holdersOf({ username: user.name, groups: user.groups })
    const reports = groups.map((holder) => this.report(holder))
    const limited = reports.filter(({ resources }) =>
      quotaResources.some((resource) => resources[resource].limit !== null),
    )
    return {
      over: this.#policy.over,
      quotas: [this.report(own ?? { scope: 'user', name: user.name }), ...limited],
    }
  }

  /** Of all who have something, or limits of their own. */
  all(): QuotaReports {
    const configured = quotaScopes.flatMap((scope) =>
      Object.keys(this.#byName(scope)).map((name): QuotaHolder => ({ scope, name })),
    )
    const all = [...this.#parts.ledger.holders(), ...configured, ...this.#overrides.values()]
    const holders = new Map(all.map(({ scope, name }) => [keyOf({ scope, name }), { scope, name }]))
    const keys = [...holders.keys()].sort().reverse()
    return {
      over: this.#policy.over,
      quotas: keys.flatMap((key) => {
        const holder = holders.get(key)
        return holder === undefined ? [] : [this.report(holder)]
      }),
    }
  }

  report(holder: QuotaHolder): QuotaReport {
    const used = this.#parts.ledger.used(holder)
    const of = (resource: QuotaResource) => ({
      ...this.#limit(holder, resource),
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
    return { ...holder, resources, override: this.#overrides.get(keyOf(holder)) ?? null, notice }
  }

  /** Sets limits by an administrator, in place of those that one had set. Stops nothing. */
  async set(admin: User, holder: QuotaHolder, limits: QuotaLimits): Promise<QuotaReport> {
    const { scope, name } = holder
    const override = { scope, name, limits, setBy: admin.name, setAt: Date.now() }
    await this.#parts.store.saveQuota(override)
    this.#overrides.set(keyOf(holder), override)
    this.wakeAll()
    return this.report(holder)
  }

  /** Takes back what administrators have set: the configuration holds again. */
  async unset(holder: QuotaHolder): Promise<void> {
    if (!this.#overrides.has(keyOf(holder)))
      throw new GatewayError(
        'not-found',
        `No administrator has set a quota of ${holderText(holder)}`,
      )
    await this.#parts.store.removeQuota(holder)
    this.#overrides.delete(keyOf(holder))
    this.wakeAll()
  }

  #byName(scope: QuotaHolder['scope']): { readonly [name: string]: QuotaLimits } {
    return scope === 'user' ? this.#policy.users : this.#policy.groups
  }

  #limit(holder: QuotaHolder, resource: QuotaResource): Limit {
    const { scope, name } = holder
    const sources: readonly (readonly [QuotaLimits | undefined, string])[] = [
      [this.#overrides.get(keyOf(holder))?.limits, 'administrator'],
      [this.#byName(scope)[name], `Quotas.${scope}s`],
      [this.#policy[scope], `Quotas.${scope}`],
    ]
    for (const [limits, source] of sources) {
      const limit = limits?.[resource]
      if (limit !== undefined) return { limit, source }
    }
    return { limit: null, source: null }
  }

  #shortages(
    holders: readonly QuotaHolder[],
    amounts: Amounts,
    usedOf: (holder: QuotaHolder) => Amounts,
  ): Shortage[] {
    return holders.flatMap((holder) =>
      quotaResources.flatMap((resource) => {
        const { limit } = this.#limit(holder, resource)
        const used = usedOf(holder)[resource]
        const asked = amounts[resource]
        if (limit === null || asked === 0 || used + asked <= limit) return []
        return [{ holder, resource, limit, used, asked }]
      }),
    )
  }

  #workersThatFit(cluster: Cluster, usedOf: (holder: QuotaHolder) => Amounts): WorkerRoom {
    const { worker_cores, worker_memory } = cluster.settings
    const worker: Amounts = { clusters: 0, workers: 1, cores: worker_cores, memory: worker_memory }
    let room: WorkerRoom = { workers: Number.POSITIVE_INFINITY, tightest: null }
    for (const holder of holdersOf(cluster))
      for (const resource of quotaResources) {
        const asked = worker[resource]
        const { limit } = this.#limit(holder, resource)
        if (limit === null || asked === 0) continue
        const used = usedOf(holder)[resource]
        const workers = Math.max(0, Math.floor((limit - used) / asked))
        if (workers < room.workers)
          room = { workers, tightest: { holder, resource, limit, used, asked } }
      }
    return room
  }

  /**
   * From the front to the end: each that has room starts, and takes it; who lacks room in a quota keeps those behind from
   * that quota, so that the small do not pass the large for ever, but from no other.
   */
  #lookAlong(): Line {
    if (this.#line !== null) return this.#line
    const { ledger } = this.#parts
    const more = new Map<string, Amounts>()
    const blocked = new Set<string>()
    const reasons = new Map<string, string | null>()
    const used = (holder: QuotaHolder) => {
      const now = ledger.used(holder)
      const starting = more.get(keyOf(holder)) ?? nothing
      return each((resource) => now[resource] + starting[resource])
    }
    for (const cluster of ledger.line()) {
      const holders = holdersOf(cluster)
      const amounts = amountsOf(cluster.settings, 0)
      const isBehind = holders.some((holder) => blocked.has(keyOf(holder)))
      const shortages = this.#shortages(holders, amounts, used)
      for (const { holder } of shortages) blocked.add(keyOf(holder))
      const [first] = shortages
      if (first !== undefined) reasons.set(cluster.name, waiting(first))
      else if (isBehind)
        reasons.set(cluster.name, 'Waits for quota: clusters that wait longer come first')
      else {
        reasons.set(cluster.name, null)
        for (const holder of holders) {
          const before = more.get(keyOf(holder)) ?? nothing
          more.set(
            keyOf(holder),
            each((resource) => before[resource] + amounts[resource]),
          )
        }
      }
    }
    this.#line = { reasons, blocked, used }
    return this.#line
  }

  /** `keys`: whose quotas have room; null: anybody's. */
  #wake(keys: ReadonlySet<string> | null): void {
    const waiting = [...this.#parts.ledger.line(), ...this.#short.values()]
    for (const cluster of waiting)
      if (keys === null || holdersOf(cluster).some((holder) => keys.has(keyOf(holder))))
        this.#parts.wake(cluster.name)
  }
}

import {
  type Amounts,
  type Cluster,
  type ClusterSettings,
  GatewayError,
  type QuotaHolder,
  quotaResources,
} from '../core/index.ts'
import { amountsOf, holdersOf, keyOf, nothing, type QuotaLedger, sumOf } from './quota-ledger.ts'
import type { LimitTable } from './quota-limits.ts'
import { refusal, refusalForEver, type Shortage, waiting } from './quota-words.ts'

export interface QuotasParts {
  readonly ledger: QuotaLedger
  readonly limits: LimitTable
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
 * Whether there is room for clusters and workers. All answers are of this moment, and none is waited for: what is decided by
 * one is handed to `Records` in the same turn of the event loop, which tells the ledger before it writes.
 */
export class Quotas {
  readonly #parts: QuotasParts
  /** Clusters with fewer workers than they should have. */
  readonly #short = new Map<string, Cluster>()
  #lastTicket = 0
  #line: Line | null = null

  constructor(parts: QuotasParts) {
    this.#parts = parts
    parts.limits.onChange = () => this.wakeAll()
    parts.ledger.onChange = (freed) => {
      this.#line = null
      if (freed.length > 0) this.#wake(new Set(freed.map(keyOf)))
    }
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
    if (this.#parts.limits.over === 'queue') {
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

  #shortages(
    holders: readonly QuotaHolder[],
    amounts: Amounts,
    usedOf: (holder: QuotaHolder) => Amounts,
  ): Shortage[] {
    return holders.flatMap((holder) =>
      quotaResources.flatMap((resource) => {
        const { limit } = this.#parts.limits.of(holder, resource)
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
        const { limit } = this.#parts.limits.of(holder, resource)
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
    const used = (holder: QuotaHolder) =>
      sumOf(ledger.used(holder), more.get(keyOf(holder)) ?? nothing)
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
        for (const holder of holders)
          more.set(keyOf(holder), sumOf(more.get(keyOf(holder)) ?? nothing, amounts))
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

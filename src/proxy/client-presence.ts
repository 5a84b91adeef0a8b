import type { ClientPresence } from '../core/index.ts'

/** A proxy tells every 15 s: one that has told nothing for so long is not known any more. */
const silentMs = 45_000
/** A proxy that has been away for so long is taken for gone, and its tunnels with it. */
const forgetMs = 3_600_000

interface Reporter {
  /** null: it has told nothing since it came (back). */
  toldAt: number | null
  /** null: it watches. */
  awayAt: number | null
  open: ReadonlyMap<string, number>
}

/**
 * Which clusters have clients connected, by what the proxies tell of their tunnels. What is not known is never "none": while a proxy is
 * away, silent or new nothing is known, and the time without clients begins when all is known again.
 */
export class PresenceBoard {
  readonly #now: () => number
  readonly #proxies = new Map<string, Reporter>()
  /** When each cluster was last seen with a client, or got its route. */
  readonly #seenAt = new Map<string, number>()
  #knownSince = Number.NEGATIVE_INFINITY

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A cluster has a route: from now on clients can come. */
  add(clusterName: string): void {
    if (!this.#seenAt.has(clusterName)) this.#seenAt.set(clusterName, this.#now())
  }

  remove(clusterName: string): void {
    this.#seenAt.delete(clusterName)
  }

  proxyCame(name: string): void {
    const open = this.#proxies.get(name)?.open ?? new Map()
    this.#proxies.set(name, { toldAt: null, awayAt: null, open })
  }

  proxyLeft(name: string): void {
    const proxy = this.#proxies.get(name)
    if (proxy !== undefined) this.#proxies.set(name, { ...proxy, awayAt: this.#now() })
  }

  /** `open`: how many tunnels each cluster has; 0: it had some since the last report. */
  report(name: string, open: ReadonlyMap<string, number>): void {
    const proxy = this.#proxies.get(name)
    if (proxy === undefined) return
    const now = this.#now()
    if (proxy.toldAt === null || now - proxy.toldAt > silentMs) this.#knownSince = now
    proxy.toldAt = now
    for (const clusterName of [...proxy.open.keys(), ...open.keys()])
      if (this.#seenAt.has(clusterName)) this.#seenAt.set(clusterName, now)
    proxy.open = new Map([...open].filter(([, count]) => count > 0))
  }

  of(clusterName: string): ClientPresence {
    const now = this.#now()
    this.#forget(now)
    const proxies = [...this.#proxies.values()]
    const isKnown = ({ toldAt, awayAt }: Reporter) =>
      awayAt === null && toldAt !== null && now - toldAt <= silentMs
    const count = proxies
      .filter(isKnown)
      .reduce((sum, { open }) => sum + (open.get(clusterName) ?? 0), 0)
    if (count > 0) return { state: 'connected', count }
    const seenAt = this.#seenAt.get(clusterName)
    if (proxies.length === 0 || seenAt === undefined || !proxies.every(isKnown))
      return { state: 'unknown' }
    return { state: 'none', since: Math.max(seenAt, this.#knownSince) }
  }

  #forget(now: number): void {
    for (const [name, { awayAt }] of this.#proxies) {
      if (awayAt === null || now - awayAt < forgetMs) continue
      this.#proxies.delete(name)
      this.#knownSince = now
    }
  }
}

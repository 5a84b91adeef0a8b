import type {
  AccessToken,
  AuditEvent,
  AuditQuery,
  AuditStore,
  Change,
  Cluster,
  ClusterEvent,
  ClusterStore,
  DayUsage,
  Drain,
  DrainStore,
  LogArchive,
  QuotaHolder,
  QuotaOverride,
  QuotaStore,
  TokenStore,
  UsageQuery,
  UsageStore,
  Worker,
} from '../../src/core/index.ts'

/** Records in memory, with a switch that makes writing fail. */
export class MemoryStore
  implements ClusterStore, LogArchive, AuditStore, DrainStore, TokenStore, QuotaStore, UsageStore
{
  readonly clusters = new Map<string, Cluster>()
  readonly workers = new Map<string, Worker>()
  readonly allEvents: ClusterEvent[] = []
  readonly logs = new Map<string, Buffer>()
  readonly audits: AuditEvent[] = []
  usages: DayUsage[] = []
  readonly tokens = new Map<string, AccessToken>()
  readonly quotas = new Map<string, QuotaOverride>()
  drain: Drain | null = null
  failing = false

  async loadTokens() {
    return [...this.tokens].map(([hash, token]) => ({ hash, token }))
  }

  async addToken(hash: string, token: AccessToken) {
    if (this.failing) throw new Error('disk full')
    this.tokens.set(hash, token)
  }

  async saveTokenUse(id: string, lastUsedAt: number) {
    if (this.failing) throw new Error('disk full')
    for (const [hash, token] of this.tokens)
      if (token.id === id) this.tokens.set(hash, { ...token, lastUsedAt })
  }

  async removeTokens(ids: readonly string[]) {
    if (this.failing) throw new Error('disk full')
    for (const [hash, { id }] of this.tokens) if (ids.includes(id)) this.tokens.delete(hash)
  }

  async loadQuotas() {
    return [...this.quotas.values()]
  }

  async saveQuota(override: QuotaOverride) {
    if (this.failing) throw new Error('disk full')
    this.quotas.set(`${override.scope} ${override.name}`, override)
  }

  async removeQuota({ scope, name }: QuotaHolder) {
    if (this.failing) throw new Error('disk full')
    this.quotas.delete(`${scope} ${name}`)
  }

  async saveDrain(drain: Drain | null) {
    this.drain = drain
  }

  async addAudit(events: readonly Omit<AuditEvent, 'id'>[]) {
    if (this.failing) throw new Error('disk full')
    for (const event of events)
      this.audits.push({ ...event, id: (this.audits.at(-1)?.id ?? 0) + 1 })
  }

  async forgetAudit({ keep }: { readonly keep: number }) {
    this.audits.splice(0, Math.max(0, this.audits.length - keep))
  }

  async audit({ after, before, limit, user, cluster }: AuditQuery) {
    const found = this.audits.filter(
      (event) =>
        event.id > (after ?? 0) &&
        event.id < (before ?? Number.POSITIVE_INFINITY) &&
        (user === null || event.user === user) &&
        (cluster === null || event.cluster === cluster),
    )
    return (after === null ? found.toReversed() : found).slice(0, limit)
  }

  async load() {
    return {
      clusters: [...this.clusters.values()],
      workers: [...this.workers.values()],
      lastEventId: this.allEvents.at(-1)?.id ?? 0,
    }
  }

  async commit(changes: readonly Change[]) {
    if (this.failing) throw new Error('disk full')
    for (const change of changes) {
      if ('remove' in change) {
        if (change.remove === 'worker') this.workers.delete(change.workerName)
        else if (change.remove === 'cluster') this.clusters.delete(change.clusterName)
        else this.#removeOldEvents(change.clusterName, change.keep)
        continue
      }
      if (change.put === 'cluster') this.clusters.set(change.cluster.name, change.cluster)
      if (change.put === 'worker') this.workers.set(change.worker.name, change.worker)
      if (change.put === 'event') this.allEvents.push(change.event)
      if (change.put === 'usage') this.usages.push(change.usage)
    }
  }

  #removeOldEvents(clusterName: string, keep: number) {
    const own = this.allEvents.filter((event) => event.clusterName === clusterName)
    for (const event of own.slice(0, -keep)) this.allEvents.splice(this.allEvents.indexOf(event), 1)
  }

  async events(clusterName: string, afterId: number, limit: number) {
    return this.allEvents
      .filter((event) => event.clusterName === clusterName && event.id > afterId)
      .slice(0, limit)
  }

  async usage({ from, to, username }: UsageQuery) {
    return this.usages.filter(
      (each) =>
        each.day >= from && each.day <= to && (username === null || each.username === username),
    )
  }

  async removeUsage(before: string) {
    this.usages = this.usages.filter(({ day }) => day >= before)
  }

  async put(clusterName: string, objectName: string, log: Buffer) {
    this.logs.set(`${clusterName}/${objectName}`, log)
  }

  async get(clusterName: string, objectName: string) {
    return this.logs.get(`${clusterName}/${objectName}`) ?? null
  }

  async remove(clusterName: string) {
    for (const key of this.logs.keys()) if (key.startsWith(`${clusterName}/`)) this.logs.delete(key)
  }
}

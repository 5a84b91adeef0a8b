import type { DatabaseSync } from 'node:sqlite'
import {
  type AccessToken,
  type AuditEvent,
  type AuditQuery,
  type Change,
  type Cluster,
  type ClusterEvent,
  type DayUsage,
  type Drain,
  GatewayError,
  type Instance,
  type QuotaHolder,
  type QuotaOverride,
  type Session,
  type Store,
  type UsageQuery,
  type Worker,
} from '../core/index.ts'
import { tokenFromRow, tokenToRow } from './access-token-rows.ts'
import { addedAudit, auditFromRow, auditQuery, forgottenAudit } from './audit-table.ts'
import type { Engine } from './engine.ts'
import { compiled, type Query, query } from './query.ts'
import { quotaFromRow, quotaRemoval, quotaUpsert } from './quota-table.ts'
import { removal } from './remove-rows.ts'
import {
  clusterFromRow,
  clusterToRow,
  eventFromRow,
  eventToRow,
  sessionFromRow,
  sessionToRow,
  workerFromRow,
  workerToRow,
} from './rows.ts'
import type { ClusterRow } from './schema.ts'
import type { SecretBox } from './secret-box.ts'
import { sqliteError } from './sqlite-errors.ts'
import { updateCluster, upsert } from './upsert.ts'
import { addedUsage, removedUsage, usageFromRows, usageQuery } from './usage-table.ts'
import { WrittenClusters } from './written-clusters.ts'

export interface RecordStoreContext {
  readonly engine: Engine
  /** To the same database, to be used in this thread; `release` closes it. */
  readonly connection: DatabaseSync
  /** Told the text of each. */
  readonly onStatement: (sql: string) => void
  readonly secrets: SecretBox
  readonly instance: Instance
  readonly drain: Drain | null
  readonly stateDirectory: string
  /** The database for messages: a path, or "in memory". */
  readonly name: string
  /** Releases what was taken to open it, when the database is closed. */
  readonly release: () => void
}

/** The store over an open, migrated database. One thing is done at a time, in the order of the calls. */
export class RecordStore implements Store {
  readonly stateDirectory: string
  readonly #context: RecordStoreContext
  readonly #clusters = new WrittenClusters()
  #instance: Instance
  #drain: Drain | null
  #closing: Promise<void> | null = null

  constructor(context: RecordStoreContext) {
    this.#context = context
    this.#instance = context.instance
    this.#drain = context.drain
    this.stateDirectory = context.stateDirectory
  }

  get instance(): Instance {
    return this.#instance
  }

  get drain(): Drain | null {
    return this.#drain
  }

  async load(): Promise<{
    readonly clusters: readonly Cluster[]
    readonly workers: readonly Worker[]
    readonly lastEventId: number
  }> {
    // Here, so that as many records as there may be need not pass from thread to thread; what was asked before comes first.
    await this.#run(false, [])
    const { connection, secrets } = this.#context
    const all = (table: string) =>
      connection.prepare(`select * from ${table} order by start_time, name`).iterate()
    return this.#explained('read', () => ({
      clusters: Array.from(all('cluster'), (row) => clusterFromRow(row, secrets)),
      workers: Array.from(all('worker'), workerFromRow),
      lastEventId: Number(
        connection.prepare('select last_event_id from instance').get()?.last_event_id,
      ),
    }))
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    const lastEventId = Math.max(
      ...changes.map((each) => ('put' in each && each.put === 'event' ? each.event.id : 0)),
    )
    const counted = query
      .updateTable('instance')
      .set({ last_event_id: lastEventId })
      .where('last_event_id', '<', lastEventId)
    const clusters = changes.flatMap((each) =>
      'put' in each && each.put === 'cluster' ? each.cluster : [],
    )
    const end = (isWritten: boolean) => {
      for (const cluster of clusters) this.#clusters.end(cluster, isWritten)
    }
    try {
      await this.#write(
        ...changes.flatMap((each) => this.#statementsOf(each)),
        ...(lastEventId > 0 ? [counted] : []),
      )
      end(true)
    } catch (error) {
      end(false)
      throw error
    }
  }

  #statementsOf(change: Change): readonly Query[] {
    if ('remove' in change) {
      if (change.remove === 'cluster') this.#clusters.forget(change.clusterName)
      return removal(change)
    }
    switch (change.put) {
      case 'cluster':
        return this.#clusterStatements(change.cluster)
      case 'worker':
        return [upsert('worker', workerToRow(change.worker))]
      case 'event':
        return [upsert('event', eventToRow(change.event))]
      case 'usage':
        return addedUsage(change.usage)
    }
  }

  #clusterStatements(cluster: Cluster): readonly Query[] {
    const written = this.#clusters.begin(cluster)
    const columns = clusterToRow(cluster, written, this.#context.secrets)
    if (written === null) return [upsert('cluster', columns as ClusterRow)]
    return Object.keys(columns).length > 0 ? [updateCluster(cluster.name, columns)] : []
  }

  async events(
    clusterName: string,
    afterId: number,
    limit: number,
  ): Promise<readonly ClusterEvent[]> {
    const rows = await this.#read(
      query
        .selectFrom('event')
        .selectAll()
        .where('cluster_name', '=', clusterName)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit),
    )
    return rows.map(eventFromRow)
  }

  async loadSessions(
    now: number,
  ): Promise<readonly { readonly hash: string; readonly session: Session }[]> {
    const rows = await this.#read(
      query.selectFrom('session').selectAll().where('expires_at', '>', now),
    )
    return rows.map(sessionFromRow)
  }

  async putSession(hash: string, session: Session): Promise<void> {
    await this.#write(upsert('session', sessionToRow(hash, session)))
  }

  async removeSession(hash: string): Promise<void> {
    await this.#write(query.deleteFrom('session').where('hash', '=', hash))
  }

  async removeExpiredSessions(now: number): Promise<void> {
    await this.#write(query.deleteFrom('session').where('expires_at', '<=', now))
  }

  async loadTokens(): Promise<readonly { readonly hash: string; readonly token: AccessToken }[]> {
    const rows = await this.#read(query.selectFrom('access_token').selectAll())
    return rows.map(tokenFromRow)
  }

  async addToken(hash: string, token: AccessToken): Promise<void> {
    await this.#write(query.insertInto('access_token').values(tokenToRow(hash, token)))
  }

  async saveTokenUse(id: string, lastUsedAt: number): Promise<void> {
    await this.#write(
      query.updateTable('access_token').set({ last_used_at: lastUsedAt }).where('id', '=', id),
    )
  }

  async removeTokens(ids: readonly string[]): Promise<void> {
    await this.#write(query.deleteFrom('access_token').where('id', 'in', ids))
  }

  async savePrivatePort(port: number): Promise<void> {
    await this.#write(query.updateTable('instance').set({ private_port: port }))
    this.#instance = { ...this.#instance, privatePort: port }
  }

  async saveDrain(drain: Drain | null): Promise<void> {
    const text = drain === null ? null : JSON.stringify(drain)
    await this.#write(query.updateTable('instance').set({ drain: text }))
    this.#drain = drain
  }

  async addAudit(events: readonly Omit<AuditEvent, 'id'>[]): Promise<void> {
    await this.#write(...addedAudit(events))
  }

  async audit(asked: AuditQuery): Promise<readonly AuditEvent[]> {
    return (await this.#read(auditQuery(asked))).map(auditFromRow)
  }

  async forgetAudit(which: {
    readonly keep: number
    readonly before: number | null
  }): Promise<void> {
    await this.#write(...forgottenAudit(which))
  }

  async loadQuotas(): Promise<readonly QuotaOverride[]> {
    return (await this.#read(query.selectFrom('quota').selectAll())).map(quotaFromRow)
  }

  async saveQuota(override: QuotaOverride): Promise<void> {
    await this.#write(quotaUpsert(override))
  }

  async removeQuota(holder: QuotaHolder): Promise<void> {
    await this.#write(quotaRemoval(holder))
  }

  async usage(asked: UsageQuery): Promise<readonly DayUsage[]> {
    return usageFromRows(await this.#read(usageQuery(asked)), asked)
  }

  async removeUsage(before: string): Promise<void> {
    await this.#write(...removedUsage(before))
  }

  /** Really writes: only so do a full and a read-only disk show. */
  async probe(): Promise<void> {
    await this.#write(
      query.updateTable('instance').set((row) => ({ probes: row('probes', '+', 1) })),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#context.engine.close().then(this.#context.release)
    return this.#closing
  }

  async #read<Row>(asked: Query<Row>): Promise<readonly Row[]> {
    return (await this.#run(false, [asked])) as readonly Row[]
  }

  /** All of them or none. */
  async #write(...queries: readonly Query[]): Promise<void> {
    await this.#run(true, queries)
  }

  #run(writes: boolean, queries: readonly Query[]): Promise<readonly unknown[]> {
    const { engine, name, onStatement } = this.#context
    return this.#explained(writes ? 'written' : 'read', () => {
      if (this.#closing !== null)
        throw new GatewayError('unavailable', `The database ${name} is closed.`)
      const statements = queries.map(compiled)
      for (const { sql } of statements) onStatement(sql)
      return engine.run({ writes, statements })
    })
  }

  /** Does `work`, whose errors become sentences. */
  async #explained<T>(verb: 'read' | 'written', work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw sqliteError(`The database ${this.#context.name} cannot be ${verb}`, error)
    }
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely, Transaction } from 'kysely'
import {
  type AccessToken,
  type AuditEvent,
  type AuditQuery,
  type Change,
  type Cluster,
  type ClusterEvent,
  type Drain,
  GatewayError,
  type Instance,
  type Session,
  type Store,
  type Worker,
} from '../core/index.ts'
import { tokenFromRow, tokenToRow } from './access-token-rows.ts'
import { addAuditRows, auditRows } from './audit-table.ts'
import { remove } from './remove-rows.ts'
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
import type { Schema } from './schema.ts'
import type { SecretBox } from './secret-box.ts'
import { isBusy, sqliteError } from './sqlite-errors.ts'
import { upsert } from './upsert.ts'

export interface RecordStoreContext {
  readonly database: Kysely<Schema>
  readonly secrets: SecretBox
  readonly instance: Instance
  readonly drain: Drain | null
  readonly stateDirectory: string
  /** The database for messages: a path, or "in memory". */
  readonly name: string
  /** Releases what was taken to open it, when the database is closed. */
  readonly release: () => Promise<void>
}

/** How long a database that another program keeps locked is waited for. */
export const lockedLimitMs = 5000
const lockedRetryMs = 25

/** The store over an open, migrated database. One thing is done at a time, in the order of the calls. */
export class RecordStore implements Store {
  readonly stateDirectory: string
  readonly #context: RecordStoreContext
  #instance: Instance
  #drain: Drain | null
  #last: Promise<unknown> = Promise.resolve()
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
    return this.#read(async (database) => {
      const clusters = await database
        .selectFrom('cluster')
        .selectAll()
        .orderBy('start_time')
        .orderBy('name')
        .execute()
      const workers = await database
        .selectFrom('worker')
        .selectAll()
        .orderBy('start_time')
        .orderBy('name')
        .execute()
      const { last_event_id } = await database
        .selectFrom('instance')
        .select('last_event_id')
        .executeTakeFirstOrThrow()
      return {
        clusters: clusters.map((row) => clusterFromRow(row, this.#context.secrets)),
        workers: workers.map(workerFromRow),
        lastEventId: last_event_id,
      }
    })
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    await this.#write(async (transaction) => {
      let lastEventId = 0
      for (const change of changes) {
        if ('remove' in change) await remove(transaction, change)
        else if (change.put === 'cluster')
          await upsert(transaction, 'cluster', clusterToRow(change.cluster, this.#context.secrets))
        else if (change.put === 'worker')
          await upsert(transaction, 'worker', workerToRow(change.worker))
        else {
          await upsert(transaction, 'event', eventToRow(change.event))
          lastEventId = Math.max(lastEventId, change.event.id)
        }
      }
      if (lastEventId > 0)
        await transaction
          .updateTable('instance')
          .set({ last_event_id: lastEventId })
          .where('last_event_id', '<', lastEventId)
          .executeTakeFirst()
    })
  }

  async events(
    clusterName: string,
    afterId: number,
    limit: number,
  ): Promise<readonly ClusterEvent[]> {
    const rows = await this.#read((database) =>
      database
        .selectFrom('event')
        .selectAll()
        .where('cluster_name', '=', clusterName)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute(),
    )
    return rows.map(eventFromRow)
  }

  async loadSessions(
    now: number,
  ): Promise<readonly { readonly hash: string; readonly session: Session }[]> {
    const rows = await this.#read((database) =>
      database.selectFrom('session').selectAll().where('expires_at', '>', now).execute(),
    )
    return rows.map(sessionFromRow)
  }

  async putSession(hash: string, session: Session): Promise<void> {
    await this.#write((transaction) => upsert(transaction, 'session', sessionToRow(hash, session)))
  }

  async removeSession(hash: string): Promise<void> {
    await this.#write((transaction) =>
      transaction.deleteFrom('session').where('hash', '=', hash).execute(),
    )
  }

  async removeExpiredSessions(now: number): Promise<void> {
    await this.#write((transaction) =>
      transaction.deleteFrom('session').where('expires_at', '<=', now).execute(),
    )
  }

  async loadTokens(): Promise<readonly { readonly hash: string; readonly token: AccessToken }[]> {
    const rows = await this.#read((database) =>
      database.selectFrom('access_token').selectAll().execute(),
    )
    return rows.map(tokenFromRow)
  }

  async addToken(hash: string, token: AccessToken): Promise<void> {
    await this.#write((transaction) =>
      transaction.insertInto('access_token').values(tokenToRow(hash, token)).executeTakeFirst(),
    )
  }

  async saveTokenUse(id: string, lastUsedAt: number): Promise<void> {
    await this.#write((transaction) =>
      transaction
        .updateTable('access_token')
        .set({ last_used_at: lastUsedAt })
        .where('id', '=', id)
        .execute(),
    )
  }

  async removeTokens(ids: readonly string[]): Promise<void> {
    await this.#write((transaction) =>
      transaction.deleteFrom('access_token').where('id', 'in', ids).execute(),
    )
  }

  async savePrivatePort(port: number): Promise<void> {
    await this.#write((transaction) =>
      transaction.updateTable('instance').set({ private_port: port }).execute(),
    )
    this.#instance = { ...this.#instance, privatePort: port }
  }

  async saveDrain(drain: Drain | null): Promise<void> {
    const text = drain === null ? null : JSON.stringify(drain)
    await this.#write((transaction) =>
      transaction.updateTable('instance').set({ drain: text }).execute(),
    )
    this.#drain = drain
  }

  async addAudit(events: readonly Omit<AuditEvent, 'id'>[]): Promise<void> {
    await this.#write((transaction) => addAuditRows(transaction, events))
  }

  audit(query: AuditQuery): Promise<readonly AuditEvent[]> {
    return this.#read((database) => auditRows(database, query))
  }

  /** Really writes: only so do a full and a read-only disk show. */
  async probe(): Promise<void> {
    await this.#write((transaction) =>
      transaction
        .updateTable('instance')
        .set((row) => ({ probes: row('probes', '+', 1) }))
        .execute(),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#last.then(async () => {
      await this.#context.database.destroy()
      await this.#context.release()
    })
    return this.#closing
  }

  #read<T>(work: (database: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.#inTurn('read', () => work(this.#context.database))
  }

  #write(work: (transaction: Transaction<Schema>) => Promise<unknown>): Promise<void> {
    return this.#inTurn('written', async () => {
      await this.#context.database.transaction().execute(work)
    })
  }

  /** Waits for those before, then for other programs that hold the database: `work` has done nothing when it was locked. */
  #inTurn<T>(verb: 'read' | 'written', work: () => Promise<T>): Promise<T> {
    const { name } = this.#context
    if (this.#closing !== null)
      return Promise.reject(new GatewayError('unavailable', `The database ${name} is closed.`))
    const result = this.#last.then(async () => {
      try {
        return await unlessLocked(work)
      } catch (error) {
        throw sqliteError(`The database ${name} cannot be ${verb}`, error)
      }
    })
    this.#last = result.catch(() => {})
    return result
  }
}

async function unlessLocked<T>(work: () => Promise<T>): Promise<T> {
  const end = performance.now() + lockedLimitMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error
      await delay(lockedRetryMs)
    }
  }
}

import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import { type Drain, GatewayError, type Instance, type Logger, type Store } from '../core/index.ts'
import { randomHex } from '../util/index.ts'
import { engineHere, engineInThread } from './engine.ts'
import { checkedVersion, migrate } from './migrations.ts'
import { RecordStore } from './record-store.ts'
import { sealedColumns } from './schema.ts'
import type { SecretBox } from './secret-box.ts'
import { sqliteError } from './sqlite-errors.ts'

export interface SqliteDatabaseOptions {
  /** null: in memory. */
  readonly path: string | null
  /** For messages. */
  readonly name: string
  readonly stateDirectory: string
  readonly logger: Logger
  readonly debug: boolean
  /** The keys; told whether the database holds secrets already. Throws when there are none that may be used. */
  readonly secretsFor: (hasSecrets: boolean) => SecretBox
  /** Makes the files that must be there, when nothing speaks against opening any more. */
  readonly beforeFirstWrite?: () => void
  /** Called when the store is closed; not when opening fails. */
  readonly release: () => void
}

/** Opens one SQLite database whose only gateway we are: checks first, changes afterwards. */
export async function openDatabase(options: SqliteDatabaseOptions): Promise<Store> {
  const { name } = options
  let database: DatabaseSync | null = null
  try {
    const isNew = options.path === null || (statSync(options.path, quiet)?.size ?? 0) === 0
    // A new file's keys come first: a crash between the two then leaves a key without secrets, not secrets without a key.
    let secrets = isNew ? options.secretsFor(false) : null
    if (isNew) options.beforeFirstWrite?.()
    database = new DatabaseSync(options.path ?? ':memory:', { timeout: lockedLimitMs })
    const version = checkedVersion(database, name)
    secrets ??= options.secretsFor(version > 0)
    if (version > 0) {
      checkHealth(database, name, options.path)
      openEverySecret(database, secrets)
    }
    if (!isNew) options.beforeFirstWrite?.()
    if (options.path !== null) useWriteAheadLog(database)
    migrate(database, version)
    const drain = readDrain(database)
    const opened = database
    const instance = readInstance(database, secrets) ?? createInstance(database, secrets)
    const rotated = sealAnew(database, secrets)
    if (rotated > 0)
      options.logger.info(`${rotated} secrets of ${name} are now sealed with the first key.`)
    return new RecordStore({
      engine:
        options.path === null
          ? engineHere(opened)
          : engineInThread({ path: options.path, lockedLimitMs }),
      connection: opened,
      onStatement(sql) {
        if (options.debug) options.logger.debug(sql, { database: name })
      },
      secrets,
      instance,
      drain,
      stateDirectory: options.stateDirectory,
      name,
      release() {
        opened.close()
        options.release()
      },
    })
  } catch (error) {
    database?.close()
    throw sqliteError(
      `The database ${name} (DBBackendBase.db_url) cannot be opened`,
      error,
      'configuration',
    )
  }
}

/** How long a database that another program keeps locked is waited for. */
const lockedLimitMs = 5000

const quiet = { throwIfNoEntry: false } as const

/** Above this a check of the whole file would delay the start noticeably. */
const cheapCheckBytes = 64 * 1024 * 1024

export function checkHealth(database: DatabaseSync, name: string, path: string | null): void {
  if (path === null || statSync(path).size > cheapCheckBytes) return
  const found = database.prepare('pragma quick_check(3)').all()
  const problems = found.map((row) => String(row.quick_check)).filter((text) => text !== 'ok')
  if (problems.length > 0)
    throw new GatewayError(
      'configuration',
      `The database ${name} (DBBackendBase.db_url) is damaged (${problems.join('; ').replaceAll('\n', ' ')}). Restore it from a backup, or move it away (with its -wal and -shm) to begin anew.`,
    )
}

/** NORMAL: nothing is lost or torn by a crash of the process; a power cut may lose the last commits, whole ones. */
function useWriteAheadLog(database: DatabaseSync): void {
  const mode = database.prepare('pragma journal_mode = wal').get()?.journal_mode
  if (mode !== 'wal')
    throw new GatewayError(
      'configuration',
      `SQLite cannot keep a write-ahead log beside the database (it stays at "${mode}"). Set DBBackendBase.db_url to a file on a local disk.`,
    )
  database.exec('pragma synchronous = normal')
}

const instanceRow = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  signing_key: z.string(),
  proxy_token: z.string(),
  private_port: z.number().nullable(),
})

export function readInstance(database: DatabaseSync, secrets: SecretBox): Instance | null {
  const found = database
    .prepare('select id, signing_key, proxy_token, private_port from instance')
    .get()
  if (found === undefined) return null
  const row = instanceRow.parse(found)
  const open = (column: 'signing_key' | 'proxy_token') =>
    secrets.open(row[column], { table: 'instance', column, row: row.id })
  return {
    id: row.id,
    signingKey: Buffer.from(open('signing_key'), 'base64'),
    proxyToken: open('proxy_token'),
    privatePort: row.private_port,
  }
}

const drainColumn = z.object({ since: z.number(), by: z.string(), message: z.string() })

function readDrain(database: DatabaseSync): Drain | null {
  const text = database.prepare('select drain from instance').get()?.drain
  return typeof text === 'string' ? drainColumn.parse(JSON.parse(text)) : null
}

function createInstance(database: DatabaseSync, secrets: SecretBox): Instance {
  const id = randomHex(16)
  const signingKey = randomBytes(32)
  const proxyToken = randomHex(32)
  const seal = (secret: string, column: string) =>
    secrets.seal(secret, { table: 'instance', column, row: id })
  database
    .prepare('insert into instance (id, signing_key, proxy_token) values (?, ?, ?)')
    .run(id, seal(signingKey.toString('base64'), 'signing_key'), seal(proxyToken, 'proxy_token'))
  return { id, signingKey, proxyToken, privatePort: null }
}

interface SealedValue {
  readonly table: string
  readonly column: string
  readonly key: string
  readonly row: string
  readonly sealed: string
}

const sealedRow = z.object({ row: z.string(), sealed: z.string() })

function everySecret(database: DatabaseSync): readonly SealedValue[] {
  return sealedColumns.flatMap(({ table, key, columns }) =>
    columns.flatMap((column) =>
      database
        .prepare(`select ${key} as row, ${column} as sealed from ${table}`)
        .all()
        .map((row) => ({ table, column, key, ...sealedRow.parse(row) })),
    ),
  )
}

/** Throws when a secret does not open: before anything of the database is changed. */
export function openEverySecret(database: DatabaseSync, secrets: SecretBox): void {
  for (const each of everySecret(database)) secrets.open(each.sealed, each)
}

/** Rotation: what older keys sealed is sealed with the first one. Returns how many. */
function sealAnew(database: DatabaseSync, secrets: SecretBox): number {
  const old = everySecret(database).filter((each) => secrets.isOld(each.sealed))
  if (old.length === 0) return 0
  database.exec('begin immediate')
  try {
    for (const each of old)
      database
        .prepare(`update ${each.table} set ${each.column} = ? where ${each.key} = ?`)
        .run(secrets.seal(secrets.open(each.sealed, each), each), each.row)
    database.exec('commit')
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
  return old.length
}

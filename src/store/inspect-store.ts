import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import { GatewayError, type Instance, messageOf } from '../core/index.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { keyFileOf, secretBoxOfFile, secretBoxOfSettings } from './encryption-keys.ts'
import { networkFileSystemOf } from './file-system.ts'
import { type Holder, holderOf } from './holder-lock.ts'
import { checkedVersion } from './migrations.ts'
import { databaseBeside, lookInto, ownerOf } from './old-server.ts'
import { resolveLinks, type StoreOptions } from './open-store.ts'
import { checkHealth, openEverySecret, readInstance } from './sqlite-database.ts'

/** The records as another process than their gateway sees them. */
export interface StoreInspection {
  readonly path: string
  readonly stateDirectory: string
  /** The user id that the database belongs to, or its directory's where there is none yet. */
  readonly owner: number
  /** null: there are no records yet. */
  readonly records: RecordsInspection | null
  /** The gateway that runs on them now. */
  readonly holder: Holder | null
  /** What should not be so, as sentences. */
  readonly warnings: readonly string[]
}

export interface RecordsInspection {
  readonly instance: Instance
  readonly clusters: readonly RecordedCluster[]
  /** Of schedulers and workers that have not ended. */
  readonly attemptIds: ReadonlySet<string>
}

export interface RecordedCluster {
  readonly name: string
  readonly status: string
  readonly tlsCert: string
}

/**
 * Looks at the records while their gateway may be running: reads only, takes no lock that it could miss, makes no file. Never
 * call it in the gateway itself: closing a file drops the locks that its process has on it. Throws 'configuration' for
 * what a start would refuse. null: the records are in memory.
 */
export function inspectStore(
  options: Pick<StoreOptions, 'url' | 'encryptKeys' | 'workingDirectory'>,
): StoreInspection | null {
  const url = parseDatabaseUrl(options.url, options.workingDirectory)
  if (url.kind === 'memory') return null
  const asked = resolveLinks(url.path)
  const network = networkFileSystemOf(dirname(asked))
  if (network !== null)
    throw new GatewayError(
      'configuration',
      `The database cannot be in ${dirname(asked)}: that is a network file system (${network}). Set DBBackendBase.db_url to a file on a local disk of this host.`,
    )
  const isOld = readable(asked) && ownerOf(asked).owner === 'old server'
  const path = isOld ? databaseBeside(asked) : asked
  const isThere = readable(path) && ownerOf(path).owner === 'this server'
  const keyFile = keyFileOf(path)
  return {
    path,
    stateDirectory: `${path}.d`,
    owner: statSync(existsSync(path) ? path : dirname(path)).uid,
    records: isThere ? readRecords(path, options.encryptKeys ?? [], keyFile) : null,
    holder: holderOf(path),
    warnings: [...placeWarnings(path), ...openToOthers([path, keyFile])],
  }
}

/** Whether the file is there. Throws when it may not be read. */
function readable(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `The database ${path} cannot be reached: ${messageOf(cause)}`,
      { cause },
    )
  }
}

function placeWarnings(path: string): readonly string[] {
  const { mode } = statSync(dirname(path))
  if ((mode & 0o022) === 0 || (mode & 0o1000) !== 0) return []
  return [`${dirname(path)} can be written by other users, who may so replace the database`]
}

function openToOthers(files: readonly string[]): readonly string[] {
  return files
    .filter((file) => existsSync(file) && (statSync(file).mode & 0o077) !== 0)
    .map((file) => `${file} may be read by others`)
}

function readRecords(
  path: string,
  encryptKeys: readonly string[],
  keyFile: string,
): RecordsInspection {
  return lookInto(path, (database) => {
    // One moment of the records: the gateway goes on writing.
    database.exec('begin')
    checkedVersion(database, path)
    checkHealth(database, path, path)
    const secrets =
      encryptKeys.length > 0
        ? secretBoxOfSettings(encryptKeys, keyFile)
        : secretBoxOfFile(keyFile, false)
    openEverySecret(database, secrets)
    const instance = readInstance(database, secrets)
    if (instance === null)
      throw new GatewayError('configuration', `The database ${path} has no instance in it.`)
    return { instance, clusters: clustersIn(database), attemptIds: attemptsIn(database) }
  })
}

const clusterRow = z
  .object({ name: z.string(), status: z.string(), tls_cert: z.string() })
  .transform(({ tls_cert, ...rest }): RecordedCluster => ({ ...rest, tlsCert: tls_cert }))

function clustersIn(database: DatabaseSync): readonly RecordedCluster[] {
  return database
    .prepare('select name, status, tls_cert from cluster')
    .all()
    .map((row) => clusterRow.parse(row))
}

const attemptRow = z.object({ id: z.string() })

function attemptsIn(database: DatabaseSync): ReadonlySet<string> {
  const attempts = ['cluster', 'worker'].flatMap((table) =>
    database
      .prepare(
        `select attempt ->> 'id' as id from ${table} where attempt is not null and status not in ('stopped', 'failed')`,
      )
      .all(),
  )
  return new Set(attempts.map((row) => attemptRow.parse(row).id))
}

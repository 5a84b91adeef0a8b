import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { format, parse } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'
import { GatewayError } from '../core/index.ts'
import { applicationId } from './migrations.ts'
import { sqliteError } from './sqlite-errors.ts'

/** What a database file is, seen without changing a byte of it or laying a file beside it. */
export type DatabaseOwner =
  | { readonly owner: 'nobody' }
  | { readonly owner: 'this server' }
  | { readonly owner: 'old server'; readonly liveClusters: readonly OldCluster[] }

export interface OldCluster {
  readonly name: string
  readonly username: string
  readonly status: string
}

/** Where our records go when the old server's are at `db_url`: `x.sqlite` → `x.ts.sqlite`. */
export function databaseBeside(oldPath: string): string {
  const { dir, name, ext } = parse(oldPath)
  return format({ dir, name: `${name}.ts`, ext })
}

/**
 * To be called only while this process has no connection to the file: closing the descriptor drops its POSIX locks.
 * Throws 'configuration' when it is damaged, or a database of some other program.
 */
export function ownerOf(path: string): DatabaseOwner {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() === true)
    throw new GatewayError(
      'configuration',
      `The database ${path} is a directory. Name a file in DBBackendBase.db_url.`,
    )
  if (stats === undefined || stats.size === 0) return { owner: 'nobody' }
  return lookInto(path, (database) => ownerIn(database, path))
}

/** Reads a database and leaves it untouched. Throws 'configuration' when it cannot be read, and whatever `look` throws of that. */
export function lookInto<T>(path: string, look: (database: DatabaseSync) => T): T {
  let database: DatabaseSync | null = null
  try {
    database = openUntouched(path)
    return look(database)
  } catch (error) {
    throw sqliteError(
      `The database ${path} (DBBackendBase.db_url) cannot be read`,
      error,
      'configuration',
    )
  } finally {
    database?.close()
  }
}

function ownerIn(database: DatabaseSync, path: string): DatabaseOwner {
  const tables = new Set(
    database
      .prepare("select name from sqlite_schema where type = 'table'")
      .all()
      .map((row) => row.name),
  )
  if (tables.has('instance') && idOf(database) === applicationId) return { owner: 'this server' }
  if (tables.has('clusters') && tables.has('workers'))
    return { owner: 'old server', liveClusters: liveClusters(database) }
  if (tables.size === 0) return { owner: 'nobody' }
  throw new GatewayError(
    'configuration',
    `The database ${path} belongs to another program: its tables are not those of a gateway. Name another file in DBBackendBase.db_url.`,
  )
}

/**
 * Read-only; and where a write-ahead log is announced (bytes 18 and 19 of the header, https://sqlite.org/fileformat.html)
 * but not there, as immutable, for otherwise even a reader would make one.
 */
function openUntouched(path: string): DatabaseSync {
  const url = pathToFileURL(path)
  url.searchParams.set('mode', 'ro')
  if (headerOf(path)[18] === 2 && !existsSync(`${path}-wal`)) url.searchParams.set('immutable', '1')
  return new DatabaseSync(url, { readOnly: true, timeout: 5000 })
}

function headerOf(path: string): Buffer {
  const header = Buffer.alloc(100)
  const descriptor = openSync(path, 'r')
  try {
    readSync(descriptor, header, 0, header.length, 0)
    return header
  } finally {
    closeSync(descriptor)
  }
}

function idOf(database: DatabaseSync): number {
  return Number(database.prepare('pragma application_id').get()?.application_id)
}

// JobStatus of dask_gateway_server.backends.db_base: 1 … 6; from 5 on it is over.
const oldStatuses = ['created', 'submitted', 'running', 'closing']
const oldRow = z.object({ name: z.string(), username: z.string(), status: z.number() })

function liveClusters(database: DatabaseSync): readonly OldCluster[] {
  return database
    .prepare('select name, username, status from clusters where status < 5 order by id')
    .all()
    .map((row) => {
      const { status, ...rest } = oldRow.parse(row)
      return { ...rest, status: oldStatuses[status - 1] ?? `status ${status}` }
    })
}

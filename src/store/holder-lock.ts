import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import { GatewayError } from '../core/index.ts'
import { bootTimeMs, readProcess, startedAt } from '../util/index.ts'
import { createPrivateFile } from './private-file.ts'
import { sqliteError } from './sqlite-errors.ts'
import { isBusy, sqliteFailure } from './sqlite-failure.ts'

export interface HolderLock {
  release(): void
}

export function lockFileOf(databasePath: string): string {
  return `${databasePath}.lock`
}

/**
 * Makes this process the only gateway on a database, or throws 'configuration' saying who is.
 *
 * The protocol: `<database>.lock` is an SQLite file with one row, the holder. A gateway commits its row and then
 * keeps a write transaction (`begin immediate`) open as long as it lives. The transaction is a POSIX lock, which ends
 * with the process, also by kill -9; meanwhile others can read the row but not begin. Between commit and begin another
 * gateway may slip in: so the row is read again inside, and who does not find its own starts over. The file itself
 * is never removed, for two processes must not hold locks on two files of one name.
 */
export function takeHolderLock(databasePath: string): HolderLock {
  const path = lockFileOf(databasePath)
  createPrivateFile(path)
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path, { timeout: busyTimeoutMs })
    hold(database)
  } catch (error) {
    const holder = isBusy(error) && database !== null ? holderIn(database) : null
    database?.close()
    if (isBusy(error)) throw held(databasePath, holder)
    if (['corrupt', 'notADatabase'].includes(sqliteFailure(error) ?? ''))
      throw new GatewayError(
        'configuration',
        `The lock file ${path} is damaged. Remove it when no gateway runs on ${databasePath}.`,
        { cause: error },
      )
    throw sqliteError(
      `The lock file of DBBackendBase.db_url, ${path}, cannot be written`,
      error,
      'configuration',
    )
  }
  return { release: () => database.close() }
}

/** Long enough for another gateway's short transactions, short for a person who waits for the refusal. */
const busyTimeoutMs = 500

function hold(database: DatabaseSync): void {
  database.exec('create table if not exists holder (pid integer, host text, since integer) strict')
  const mine = { pid: process.pid, host: hostname(), since: Date.now() }
  for (;;) {
    database.exec('begin immediate; delete from holder')
    database
      .prepare('insert into holder (pid, host, since) values (?, ?, ?)')
      .run(mine.pid, mine.host, mine.since)
    database.exec('commit; begin immediate')
    const found = holderIn(database)
    if (found?.pid === mine.pid && found.host === mine.host && found.since === mine.since) return
    database.exec('rollback')
  }
}

const holderRow = z.object({ pid: z.number(), host: z.string(), since: z.number() })
export type Holder = Readonly<z.infer<typeof holderRow>>

/**
 * The gateway that has a database now, seen from another process and without touching its lock; null: none has. The row stays
 * when a gateway ends, so it counts only while that process lives, and is not a later one with its id.
 */
export function holderOf(databasePath: string): Holder | null {
  const path = lockFileOf(databasePath)
  if (!existsSync(path)) return null
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs })
  try {
    const holder = holderIn(database)
    const process_ = holder?.host === hostname() ? readProcess(holder.pid) : null
    const lives =
      holder !== null &&
      process_ !== null &&
      !process_.ended &&
      startedAt(process_, bootTimeMs()) <= holder.since + clockToleranceMs
    return lives ? holder : null
  } finally {
    database.close()
  }
}

/** The machine's start, and so a process's, is known to the second. */
const clockToleranceMs = 2_000

function holderIn(database: DatabaseSync): z.infer<typeof holderRow> | null {
  try {
    return holderRow.parse(database.prepare('select pid, host, since from holder').get())
  } catch {
    // Whoever holds the lock has not written its row yet; the refusal then names nobody.
    return null
  }
}

function held(databasePath: string, holder: z.infer<typeof holderRow> | null): GatewayError {
  const who =
    holder === null
      ? 'another gateway'
      : `the gateway with process id ${holder.pid} on host ${holder.host}, since ${new Date(holder.since).toISOString()}`
  return new GatewayError(
    'configuration',
    `The database ${databasePath} is in use by ${who}. Stop that one, or give this one a database of its own (DBBackendBase.db_url).`,
  )
}

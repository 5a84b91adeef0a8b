import { CompiledQuery } from 'kysely'
import type { Schema } from './schema.ts'

const keys = { cluster: 'name', worker: 'name', event: 'id', session: 'hash' } as const

/**
 * Inserts a row, or replaces the values of the one with its key. The text is written here because Kysely's building
 * of it costs ten times what SQLite takes for the row. "on conflict do update", not "insert or replace", for that
 * would first remove the row, and with it what refers to it.
 */
export function upsert<T extends keyof typeof keys>(table: T, row: Schema[T]): CompiledQuery {
  let text = texts.get(table)
  if (text === undefined) {
    text = upsertText(table, keys[table], Object.keys(row))
    texts.set(table, text)
  }
  return CompiledQuery.raw(text, Object.values(row))
}

/** A row's columns always come in the same order: the functions of `rows.ts` write each as one literal. */
const texts = new Map<string, string>()

function upsertText(table: string, key: string, columns: readonly string[]): string {
  const names = columns.map((column) => `"${column}"`)
  const places = columns.map(() => '?')
  const updates = names.map((name) => `${name} = excluded.${name}`)
  return `insert into "${table}" (${names.join(', ')}) values (${places.join(', ')}) on conflict ("${key}") do update set ${updates.join(', ')}`
}

/** Changes columns of a cluster that is there. */
export function updateCluster(name: string, columns: Partial<Schema['cluster']>): CompiledQuery {
  const places = Object.keys(columns).map((column) => `"${column}" = ?`)
  const text = `update "cluster" set ${places.join(', ')} where "name" = ?`
  return CompiledQuery.raw(text, [...Object.values(columns), name])
}

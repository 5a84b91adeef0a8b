import type { SQLInputValue } from 'node:sqlite'
import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Statement } from './jobs.ts'
import type { Schema } from './schema.ts'

/** Builds statements and runs none: that is the engine's. */
export const query = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

/** A statement as it is built, or as text; `Result` is that of a row. */
export type Query<Result = unknown> = Compilable<Result> | CompiledQuery<Result>

export function compiled(each: Query): Statement {
  const { sql, parameters } = 'compile' in each ? each.compile() : each
  return { sql, parameters: parameters as readonly SQLInputValue[] }
}

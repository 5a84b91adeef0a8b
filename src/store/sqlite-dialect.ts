import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteDialect, type SqliteStatement } from 'kysely'

/**
 * Kysely's SQLite dialect over `node:sqlite`. Statements are prepared once: their texts are few and fixed. Transactions
 * only ever write, so they take the write lock at once (`begin immediate`), and a locked database shows before anything is done.
 */
export function nodeSqliteDialect(
  database: DatabaseSync,
  onStatement: (sql: string) => void,
): SqliteDialect {
  const statements = new Map<string, SqliteStatement>()
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare(sql) {
        onStatement(sql)
        // SQLite ends a transaction by itself after some errors (a full disk): https://sqlite.org/lang_transaction.html
        if (sql === 'rollback' && !database.isTransaction) return nothing
        const known = statements.get(sql)
        if (known !== undefined) return known
        const made = shim(database.prepare(sql === 'begin' ? 'begin immediate' : sql))
        statements.set(sql, made)
        return made
      },
    },
  })
}

function shim(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
  }
}

const nothing: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
}

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { isBusy } from './sqlite-failure.ts'

export interface Statement {
  readonly sql: string
  readonly parameters: readonly SQLInputValue[]
}

/** What is asked of a database in one piece. The statements of a write take effect together or not at all. */
export interface Job {
  readonly writes: boolean
  readonly statements: readonly Statement[]
}

export type Row = Readonly<Record<string, unknown>>

/** The rows of a job's last statement, or why nothing of it was done. */
export type Outcome = { readonly rows: readonly Row[] } | { readonly error: unknown }

/**
 * Returns what does jobs in their order. Those that are given together share one transaction, so that many who wait
 * cost one commit; when that fails, each gets its own, for nobody is to fail by the fault of another.
 */
export function jobRunner(database: DatabaseSync): (jobs: readonly Job[]) => readonly Outcome[] {
  const prepared = new Map<string, StatementSync>()

  const run = ({ sql, parameters }: Statement): readonly Row[] => {
    let statement = prepared.get(sql)
    if (statement === undefined) {
      // Texts are few and fixed, but for those with lists.
      if (prepared.size >= keptStatements) prepared.clear()
      statement = database.prepare(sql)
      prepared.set(sql, statement)
    }
    return statement.all(...parameters)
  }

  const runAll = (jobs: readonly Job[]): readonly Outcome[] =>
    jobs.map(({ statements }) => ({ rows: statements.map(run).at(-1) ?? [] }))

  const runTogether = (jobs: readonly Job[]): readonly Outcome[] => {
    // Takes the write lock at once, so that a locked database shows before anything is done.
    database.exec('begin immediate')
    try {
      const outcomes = runAll(jobs)
      database.exec('commit')
      return outcomes
    } catch (error) {
      // SQLite ends a transaction by itself after some errors (a full disk): https://sqlite.org/lang_transaction.html
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  }

  const runJobs = (jobs: readonly Job[]): readonly Outcome[] => {
    try {
      return jobs.some(({ writes }) => writes) ? runTogether(jobs) : runAll(jobs)
    } catch (error) {
      // Who holds it locked has been waited for: the next would only wait as long again.
      if (jobs.length === 1 || isBusy(error)) return jobs.map(() => ({ error }))
      return jobs.flatMap((job) => runJobs([job]))
    }
  }
  return runJobs
}

const keptStatements = 200

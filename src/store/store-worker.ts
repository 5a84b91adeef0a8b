import { DatabaseSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type Job, jobRunner, type Row } from './jobs.ts'

// A thread that reads and writes the database, so that a disk that is slow holds up nothing else.

/** From `engine.ts`, answered in the same order; null: close the database and end. */
export type Question = Job | null

/** An error's class and members would be lost on the way between threads. */
export type Answer =
  | { readonly rows: readonly Row[] }
  | { readonly message: string; readonly errcode: number | undefined }

export interface StoreWorkerData {
  readonly path: string
  /** How long a database that another program keeps locked is waited for. */
  readonly lockedLimitMs: number
}

const { path, lockedLimitMs }: StoreWorkerData = workerData
const database = new DatabaseSync(path, { timeout: lockedLimitMs })
// As in sqlite-database.ts; it is a property of each connection.
database.exec('pragma synchronous = normal')
const run = jobRunner(database)

const port = parentPort
port?.on('message', (first: Question) => {
  const waiting = [first]
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    waiting.push(next.message)
  const jobs = waiting.filter((question) => question !== null)
  port.postMessage(run(jobs).map((each) => ('rows' in each ? each : described(each.error))))
  if (jobs.length === waiting.length) return
  database.close()
  port.close()
})

function described(error: unknown): Answer {
  const { message = String(error), errcode } = error as Partial<Error> & { errcode?: number }
  return { message, errcode }
}

import { once } from 'node:events'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { programFile } from '../util/index.ts'
import { type Job, jobRunner, type Row } from './jobs.ts'
import type { Answer, Question, StoreWorkerData } from './store-worker.ts'

/** Does jobs in the order of the calls. */
export interface Engine {
  /** The rows of its last statement. When it rejects, nothing of the job was done. */
  run(job: Job): Promise<readonly Row[]>
  /** When all jobs are done. */
  close(): Promise<void>
}

/** For a database in memory, where nothing is waited for. Leaves it open. */
export function engineHere(database: DatabaseSync): Engine {
  const runJobs = jobRunner(database)
  return {
    async run(job) {
      const [outcome] = runJobs([job])
      if (outcome === undefined || 'error' in outcome) throw outcome?.error
      return outcome.rows
    },
    close: async () => {},
  }
}

/**
 * In a thread with a connection of its own. That thread can end before `close` only by a fault of ours or for want of memory; what
 * became of its last jobs would then not be known, so the process ends with it (an 'error' that nobody hears).
 */
export function engineInThread(data: StoreWorkerData): Engine {
  const worker = new Worker(programFile('store/store-worker'), {
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  })
  worker.unref()
  let isClosing = false
  const waiting: { resolve(rows: readonly Row[]): void; reject(error: unknown): void }[] = []
  worker.on('message', (answers: readonly Answer[]) => {
    for (const [at, { resolve, reject }] of waiting.splice(0, answers.length).entries()) {
      const answer = answers[at] as Answer
      if ('rows' in answer) resolve(answer.rows)
      else reject(Object.assign(new Error(answer.message), { errcode: answer.errcode }))
    }
    if (waiting.length === 0 && !isClosing) worker.unref()
  })
  const send = (question: Question) => worker.postMessage(question)
  return {
    run(job) {
      // A process with nothing else to do still waits for its writes.
      if (waiting.length === 0) worker.ref()
      send(job)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    async close() {
      isClosing = true
      worker.ref()
      const ended = once(worker, 'exit')
      send(null)
      await ended
    },
  }
}

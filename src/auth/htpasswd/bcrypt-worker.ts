import { parentPort } from 'node:worker_threads'
import bcrypt from 'bcryptjs'

// A thread that compares passwords with bcrypt's hashes, one at a time: each takes a tenth of a second or more, for which
// nothing else could run beside it.

/** From `password-checker.ts`. */
export interface Question {
  readonly id: number
  /** Secret. */
  readonly password: string
  readonly hash: string
}

export interface Answer {
  readonly id: number
  readonly matches: boolean
}

parentPort?.on('message', ({ id, password, hash }: Question) => {
  const answer: Answer = { id, matches: bcrypt.compareSync(password, hash) }
  parentPort?.postMessage(answer)
})

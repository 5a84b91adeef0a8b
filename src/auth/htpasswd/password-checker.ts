import { createHmac, randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { GatewayError } from '../../core/index.ts'
import { programFile } from '../../util/index.ts'
import type { Answer, Question } from './bcrypt-worker.ts'

export interface PasswordChecker {
  /** Throws 'unavailable' when there are too many to check. */
  matches(password: string, hash: string): Promise<boolean>
  stop(): Promise<void>
}

const limitMs = 20_000
const maxWaiting = 100
// Programs without cookies send their password with each request.
const rememberedMs = 300_000
const maxRemembered = 1000

/** Compares passwords with bcrypt's hashes in a thread of its own. What matched is remembered for five minutes, as a hash of both. */
export function createPasswordChecker(): PasswordChecker {
  const key = randomBytes(32)
  const matched = new Map<string, number>()
  const waiting = new Map<number, (result: boolean | Error) => void>()
  let worker: Worker | null = null
  let lastId = 0

  function fail(error: Error): void {
    worker = null
    for (const settle of [...waiting.values()]) settle(error)
  }

  function running(): Worker {
    if (worker !== null) return worker
    const made = new Worker(programFile('auth/htpasswd/bcrypt-worker'))
    made.unref()
    made.on('message', ({ id, matches }: Answer) => waiting.get(id)?.(matches))
    made.on('error', (error) => worker === made && fail(error))
    made.on('exit', () => worker === made && fail(new Error('the thread has ended')))
    worker = made
    return made
  }

  function asked(password: string, hash: string): Promise<boolean> {
    const id = ++lastId
    return new Promise((resolve, reject) => {
      const settle = (result: boolean | Error) => {
        clearTimeout(timer)
        waiting.delete(id)
        if (typeof result === 'boolean') resolve(result)
        else reject(busy(result))
      }
      const timer = setTimeout(() => settle(new Error('it takes too long')), limitMs)
      waiting.set(id, settle)
      running().postMessage({ id, password, hash } satisfies Question)
    })
  }

  return {
    async matches(password, hash) {
      const both = createHmac('sha256', key).update(`${hash}\0${password}`).digest('base64')
      const until = matched.get(both)
      if (until !== undefined && until > performance.now()) return true
      if (waiting.size >= maxWaiting) throw busy(new Error('too many passwords wait'))
      const matches = await asked(password, hash)
      matched.delete(both)
      if (!matches) return false
      matched.set(both, performance.now() + rememberedMs)
      const [oldest] = matched.keys()
      if (matched.size > maxRemembered && oldest !== undefined) matched.delete(oldest)
      return true
    },
    async stop() {
      const made = worker
      fail(new Error('the gateway stops'))
      await made?.terminate()
    },
  }
}

function busy(cause: Error): GatewayError {
  return new GatewayError('unavailable', 'Passwords cannot be checked at the moment; try again', {
    cause,
  })
}

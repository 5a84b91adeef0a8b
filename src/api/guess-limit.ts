import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../core/index.ts'
import { createThrottle } from './throttle.ts'

const failuresAtOnce = 20
const windowMs = 60_000
const slownessMs = 500

export interface GuessLimit {
  /** `reason`: for the log; null: it has been told. Resolves when the refusal may be sent. */
  failed(address: string, reason: string | null): Promise<void>
}

/**
 * Every refusal is in the log, but for those beyond twenty a minute from one address: whoever guesses passwords or tokens gets slow
 * answers, and the log says from where. Only failures count and only they are
 * slow: others at the same address (a whole hub) notice nothing.
 */
export function createGuessLimit(logger: Logger): GuessLimit {
  const failures = createThrottle(failuresAtOnce, windowMs)
  const told = createThrottle(1, windowMs)
  return {
    async failed(address, reason) {
      const isMany = failures.waitSeconds(address) > 0
      failures.failed(address)
      if (!isMany) {
        if (reason !== null) logger.info('A login was refused', { address, reason })
        return
      }
      if (told.waitSeconds(address) === 0) {
        told.failed(address)
        logger.warn(
          `More than ${failuresAtOnce} logins in a minute were refused: somebody may be guessing`,
          { address },
        )
      }
      await sleep(slownessMs)
    },
  }
}

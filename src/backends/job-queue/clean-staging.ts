import { type Cluster, GatewayError, type Logger } from '../../core/index.ts'
import type { Account, Refused } from '../account.ts'
import type { CallLauncher } from './launcher-call.ts'
import { stagingOf, stagingPath } from './staging.ts'

export interface StagingCleanerParts {
  readonly call: CallLauncher
  readonly accountOf: (username: string, signal: AbortSignal) => Promise<Account | Refused>
  /** Whether anything of the cluster was, or may have been, submitted. */
  readonly hasSubmitted: (clusterName: string) => boolean
  readonly logger: Logger
  /** Milliseconds of a clock that does not jump. */
  readonly now?: () => number
}

/** For so long its owner, who is told, can set right what he has done to a staging directory. */
const patienceMs = 10 * 60_000

/**
 * Removes the staging directories of clusters whose jobs are gone. One that the launcher can no longer remove (its owner took the marker out
 * of it, or put a file in its place) is left in the end, as its cluster would be closing for ever.
 */
export class StagingCleaner {
  readonly #parts: StagingCleanerParts
  readonly #failingSince = new Map<string, number>()

  constructor(parts: StagingCleanerParts) {
    this.#parts = parts
  }

  /** Throws when it is of use to ask again. Otherwise returns what its owner should know of what is left. */
  async clean(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
    const { call, accountOf, hasSubmitted, logger, now = () => performance.now() } = this.#parts
    const { name, username } = cluster
    const account = await accountOf(username, signal)
    const left = (reason: string) => {
      this.#failingSince.delete(name)
      logger.warn('A staging directory cannot be removed', { cluster: name, reason })
    }
    if ('refused' in account) {
      left(account.refused)
      return []
    }
    const staging = stagingOf(cluster, account)
    const reply = await call<'clean'>(account, { verb: 'clean', staging }, signal)
    if (reply.ok) {
      this.#failingSince.delete(name)
      return []
    }
    // What kept the cluster from its start (a rule of sudo that is missing) must not keep it from its end.
    if (!hasSubmitted(name)) {
      left(reply.error)
      return []
    }
    const since = this.#failingSince.get(name) ?? now()
    this.#failingSince.set(name, since)
    if (reply.code !== 'staging' || now() - since < patienceMs)
      throw new GatewayError('upstream', reply.error)
    left(reply.error)
    return [
      `${stagingPath(staging)} is left, with the cluster's files: ${reply.error}. Remove it yourself.`,
    ]
  }
}

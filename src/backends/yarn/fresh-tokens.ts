import { type Cluster, type Logger, messageOf } from '../../core/index.ts'
import { type Configuration, encodeCredentials, isSecure } from '../../hadoop/index.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { authoritiesOf, tokensFor } from './localize.ts'
import { yarnSettingsOf } from './settings.ts'

interface Kept {
  blob: Buffer | null
  /** When to ask, by the calendar. */
  dueAt: number
  asking: Promise<void> | null
}

const retryAfterMs = 60_000
const limitMs = 20_000

/**
 * Tokens of HDFS for the containers that a cluster starts later, since those it was started with end after a week, whoever renews
 * them. Nobody renews these, so they are asked for anew long before the time after which that would be due.
 */
export class FreshTokens {
  readonly #place: HadoopPlace
  readonly #logger: Logger
  readonly #changed: (attemptId: string) => void
  readonly #kept = new Map<string, Kept>()

  constructor(place: HadoopPlace, logger: Logger, changed: (attemptId: string) => void) {
    this.#place = place
    this.#logger = logger
    this.#changed = changed
  }

  /** The newest, as credentials; null: there are none but those of its start. */
  of(attemptId: string): Buffer | null {
    return this.#kept.get(attemptId)?.blob ?? null
  }

  /** Asks for new ones when it is time. Never rejects, as those that are there may be good for a while. */
  async renew(cluster: Cluster): Promise<void> {
    const { attempt } = cluster
    const { configuration } = this.#place
    if (attempt === null || !isSecure(configuration)) return
    const periodMs = lifeMs(configuration) / 3
    const first = { blob: null, dueAt: attempt.createdAt + periodMs, asking: null }
    const kept: Kept = this.#kept.get(attempt.id) ?? first
    this.#kept.set(attempt.id, kept)
    if (Date.now() >= kept.dueAt) kept.asking ??= this.#ask(cluster, attempt.id, kept, periodMs)
    await kept.asking
  }

  forget(attemptId: string): void {
    this.#kept.delete(attemptId)
  }

  async #ask(cluster: Cluster, attemptId: string, kept: Kept, periodMs: number): Promise<void> {
    const begun = Date.now()
    try {
      const authorities = authoritiesOf(this.#place, yarnSettingsOf(cluster).localize_files)
      const signal = AbortSignal.timeout(limitMs)
      const tokens = await tokensFor(this.#place, authorities, cluster.username, signal)
      kept.blob = encodeCredentials({ tokens, secrets: new Map() })
      kept.dueAt = begun + periodMs
      this.#changed(attemptId)
    } catch (error) {
      this.#logger.warn('There are no new tokens of HDFS for a cluster', {
        ...{ cluster: cluster.name, user: cluster.username, error: messageOf(error) },
      })
      kept.dueAt = begun + Math.min(retryAfterMs, periodMs)
    } finally {
      kept.asking = null
    }
  }
}

/** Of a token that nobody renews: a day, unless the NameNode's configuration is known to say less. */
function lifeMs(configuration: Configuration): number {
  const spans = [86_400_000]
  for (const name of ['renew-interval', 'max-lifetime']) {
    const given = Number(configuration.get(`dfs.namenode.delegation.token.${name}`))
    if (given > 0) spans.push(given)
  }
  return Math.min(...spans)
}

import { createHmac } from 'node:crypto'
import type { CallHome, Cluster, Json, LogPiece } from '../../core/index.ts'
import { GatewayError } from '../../core/index.ts'
import { randomHex, sameSecret } from '../../util/index.ts'
import type { Applications } from './applications.ts'
import type { FreshTokens } from './fresh-tokens.ts'
import { type MasterMessage, readMasterMessage, type WorkerFact } from './master-message.ts'

/** What is known of one application master, from what it has told this process. */
interface Master {
  /** Grows with each change of what is wanted. */
  version: number
  /** The newest that it has. */
  heard: number
  workers: Map<string, WorkerFact>
  /** The last bytes of the scheduler's log, and where they begin in it. */
  log: LogPiece
  readonly waiting: Set<() => void>
}

const keptLogBytes = 512 * 1024
const mostAtOnce = 4

/** The token of what a cluster's current attempt has started besides the cluster: whoever has the cluster's token can make it, and nobody else. */
export function masterToken(cluster: Cluster): string {
  return createHmac('sha256', cluster.token)
    .update(`application master of ${cluster.attempt?.id}`)
    .digest('hex')
}

/**
 * The application masters, which call: each says what its containers do and is told which workers are wanted, all of them. What it has
 * told is kept in memory alone, as it tells all of it again to another gateway, which it knows by the epoch.
 */
export class Masters implements CallHome {
  readonly #applications: Applications
  readonly #wake: () => void
  readonly #tokens: Pick<FreshTokens, 'of' | 'renew' | 'forget'>
  readonly #epoch = randomHex(8)
  readonly #masters = new Map<string, Master>()

  constructor(
    applications: Applications,
    wake: () => void,
    tokens: Pick<FreshTokens, 'of' | 'renew' | 'forget'>,
  ) {
    this.#applications = applications
    this.#wake = wake
    this.#tokens = tokens
  }

  knows(cluster: Cluster, token: string): boolean {
    return cluster.attempt !== null && sameSecret(masterToken(cluster), token)
  }

  async answer(cluster: Cluster, body: unknown, signal: AbortSignal): Promise<Json> {
    const message = readMasterMessage(body)
    const attemptId = cluster.attempt?.id ?? ''
    const wanted = () => this.#applications.of(attemptId)?.workers
    // Told that none are wanted it would stop all that it has.
    if (wanted() === undefined)
      throw new GatewayError('unavailable', 'The gateway has no file of this application')
    const master = this.#master(attemptId)
    if (master.waiting.size >= mostAtOnce)
      throw new GatewayError('unavailable', 'Other calls of this application master wait')
    const isSame = message.epoch === this.#epoch
    // What it tells to another epoch comes again, whole.
    if (isSame) this.#take(master, message)
    const version = isSame ? message.version : null
    // It is told of them when they are there.
    void this.#tokens.renew(cluster)
    if (version === master.version) await changed(master, message.wait * 1000, signal)
    const isNew = version !== master.version
    return {
      epoch: this.#epoch,
      version: master.version,
      workers: isNew
        ? Object.fromEntries(
            Object.entries(wanted() ?? {}).map(([id, args]) => [id, { args: [...args] }]),
          )
        : null,
      tokens: isNew ? (this.#tokens.of(attemptId)?.toString('base64') ?? null) : null,
    }
  }

  /** To be called after what is wanted of an application was changed. */
  changed(attemptId: string): void {
    const master = this.#master(attemptId)
    master.version += 1
    for (const wake of master.waiting) wake()
  }

  /** What was told of a worker. undefined: it has not called this gateway; null: it has, and has heard what is wanted, but has no such worker. */
  factOf(attemptId: string, workerAttemptId: string): WorkerFact | null | undefined {
    const master = this.#masters.get(attemptId)
    const fact = master?.workers.get(workerAttemptId)
    if (fact !== undefined) return fact
    return master !== undefined && master.heard === master.version ? null : undefined
  }

  hasCalled(attemptId: string): boolean {
    return (this.#masters.get(attemptId)?.heard ?? -1) >= 0
  }

  /** null: nothing was told of it. */
  log(attemptId: string): LogPiece | null {
    const master = this.#masters.get(attemptId)
    return master === undefined || master.heard < 0 ? null : master.log
  }

  forget(attemptId: string): void {
    for (const wake of this.#masters.get(attemptId)?.waiting ?? []) wake()
    this.#masters.delete(attemptId)
    this.#tokens.forget(attemptId)
  }

  #master(attemptId: string): Master {
    const known = this.#masters.get(attemptId)
    if (known !== undefined) return known
    const made: Master = {
      ...{ version: 0, heard: -1, workers: new Map(), waiting: new Set() },
      log: { from: 0, bytes: Buffer.alloc(0) },
    }
    this.#masters.set(attemptId, made)
    return made
  }

  #take(master: Master, { version, workers, log }: MasterMessage): void {
    let isNews = master.heard < 0
    master.heard = Math.max(master.heard, version ?? 0)
    for (const [id, fact] of Object.entries(workers)) {
      const before = master.workers.get(id)
      // Two messages may overtake each other, and the end is final.
      if (before?.state === 'ended') continue
      isNews ||= before?.state !== fact.state
      master.workers.set(id, fact)
    }
    master.log = joined(master.log, { from: log.from, bytes: Buffer.from(log.base64, 'base64') })
    if (isNews) this.#wake()
  }
}

/** The end of a log, with a piece that may say again what is there already. */
function joined(kept: LogPiece, piece: LogPiece): LogPiece {
  const end = kept.from + kept.bytes.length
  if (piece.from > end || (kept.bytes.length === 0 && piece.bytes.length > 0)) return piece
  const news = piece.bytes.subarray(end - piece.from)
  if (piece.from + piece.bytes.length <= end) return kept
  const whole = Buffer.concat([kept.bytes, news])
  const cut = Math.max(0, whole.length - keptLogBytes)
  return { from: kept.from + cut, bytes: whole.subarray(cut) }
}

function changed(master: Master, limitMs: number, signal: AbortSignal): Promise<void> {
  if (limitMs === 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      master.waiting.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, limitMs)
    master.waiting.add(done)
    signal.addEventListener('abort', done)
  })
}

import type { Found, ObjectRef } from '../../core/index.ts'
import { logFile, type Staging } from '../../launcher/index.ts'
import type { Account } from '../account.ts'
import { handleJson } from './job-handle.ts'
import type { OwnJob } from './survey.ts'

export interface FindParts {
  /** The user's jobs, as that user, to whom no job is hidden. */
  readonly jobsOf: (account: Account, signal: AbortSignal) => Promise<readonly OwnJob[]>
  /** Where an attempt's files are; null: it was never about to be submitted. */
  readonly stagingOf: (attemptId: string) => Staging | null
  /** Makes their claims; returns those that could be made. */
  readonly claim: (
    account: Account,
    staging: Staging,
    attemptIds: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly string[]>
  readonly attemptOfName: (name: string) => string | null
  readonly indexOf: (id: string) => number | null
}

/** Finds out what became of attempts, and keeps those from starting that it has called absent. */
export class AttemptFinder {
  readonly #parts: FindParts
  /** Their claims are made, or nothing was ever submitted: they never start. */
  readonly #givenUp = new Set<string>()

  constructor(parts: FindParts) {
    this.#parts = parts
  }

  isGivenUp(attemptId: string): boolean {
    return this.#givenUp.has(attemptId)
  }

  async find(
    account: Account,
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>()
    const missing = () => refs.filter(({ attemptId }) => !found.has(attemptId))
    const look = async () => {
      const jobs = await this.#parts.jobsOf(account, signal)
      for (const ref of missing()) {
        const job = jobs.find((each) => each.attemptId === ref.attemptId)
        // A job that came after its attempt was given up ends by itself.
        if (job === undefined || job.username !== account.name || this.isGivenUp(ref.attemptId))
          continue
        const handle = { job: job.id, log: this.#logOf(ref, job), uid: account.uid }
        found.set(ref.attemptId, { state: 'found', handle: handleJson(handle) })
      }
    }
    await look()
    await this.#giveUp(account, missing(), signal)
    for (const { attemptId } of missing())
      if (this.isGivenUp(attemptId)) found.set(attemptId, { state: 'absent' })
    if (missing().length === 0) return found
    // The claims of the others exist, so their jobs have begun: if they are not known now, they have ended.
    await look()
    for (const { attemptId } of missing()) found.set(attemptId, { state: 'absent' })
    return found
  }

  async #giveUp(account: Account, refs: readonly ObjectRef[], signal: AbortSignal): Promise<void> {
    for (const theirs of Map.groupBy(refs, (ref) => ref.clusterName).values()) {
      const asked = theirs.map(({ attemptId }) => attemptId).filter((id) => !this.isGivenUp(id))
      const submitted = asked.filter((id) => this.#parts.stagingOf(id) !== null)
      for (const id of asked) if (!submitted.includes(id)) this.#givenUp.add(id)
      const [first] = submitted
      const staging = first === undefined ? null : this.#parts.stagingOf(first)
      if (staging === null) continue
      for (const id of await this.#parts.claim(account, staging, submitted, signal))
        this.#givenUp.add(id)
    }
  }

  #logOf(ref: ObjectRef, job: OwnJob): string {
    const role = ref.workerName === null ? 'scheduler' : 'worker'
    const log = `${role}-${this.#parts.attemptOfName(job.name)}.log`
    const index = this.#parts.indexOf(job.id)
    return index === null ? log : logFile(log, index)
  }
}

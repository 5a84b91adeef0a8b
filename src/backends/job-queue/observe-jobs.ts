import { messageOf, type ObjectRef, type Observation } from '../../core/index.ts'
import { type JobHandle, parseHandle } from './job-handle.ts'
import type { JobNotes } from './job-notes.ts'
import type { NodeAddresses } from './node-addresses.ts'
import type { OwnJob } from './survey.ts'

export interface Watched {
  readonly ref: ObjectRef
  readonly handle: JobHandle
}

export interface JobWatchParts {
  /** All jobs of these users, by one command. */
  readonly all: (uids: readonly string[], signal: AbortSignal) => Promise<readonly OwnJob[]>
  /** Jobs of one user, as that user. */
  readonly asUser: (
    username: string,
    ids: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly OwnJob[]>
  readonly nodes: Pick<NodeAddresses, 'of'>
  readonly notes: Pick<JobNotes, 'of'>
}

/** A job that a queue has just taken may be missing in its next answer. */
const graceMs = 15_000

/**
 * What a queue tells of jobs. One that is missing may be hidden from the gateway, or be forgotten since it ended: its owner is
 * asked. Only when two of the owner's answers miss it, it is gone; what fails tells nothing.
 */
export class JobWatch {
  readonly #parts: JobWatchParts
  readonly #misses = new Map<string, number>()
  #watched: ReadonlySet<string> = new Set()

  constructor(parts: JobWatchParts) {
    this.#parts = parts
  }

  /** Whether the last look was for this job too, among others: the records know it. */
  isWatched(jobId: string): boolean {
    return this.#watched.has(jobId)
  }

  async observe(
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Observation>> {
    const seen = new Map<string, Observation>()
    const watched: Watched[] = []
    for (const ref of refs) {
      const handle = parseHandle(ref.handle)
      if (handle !== null) watched.push({ ref, handle })
      else if (ref.handle !== null)
        seen.set(ref.attemptId, { state: 'unknown', reason: 'its record names no job' })
    }
    this.#watched = new Set(watched.map(({ handle }) => handle.job))
    if (watched.length === 0) return seen
    const missing = await this.#take(
      watched,
      () => this.#parts.all([...new Set(watched.map(({ handle }) => String(handle.uid)))], signal),
      seen,
    )
    for (const [username, theirs] of Map.groupBy(missing, ({ ref }) => ref.username)) {
      const ids = theirs.map(({ handle }) => handle.job)
      const gone = await this.#take(theirs, () => this.#parts.asUser(username, ids, signal), seen)
      for (const { ref } of gone) seen.set(ref.attemptId, this.#missed(ref))
    }
    return seen
  }

  /** Returns those of which the answer does not tell. */
  async #take(
    watched: readonly Watched[],
    ask: () => Promise<readonly OwnJob[]>,
    seen: Map<string, Observation>,
  ): Promise<readonly Watched[]> {
    let jobs: readonly OwnJob[]
    try {
      jobs = await ask()
    } catch (error) {
      const reason = messageOf(error)
      for (const { ref } of watched) seen.set(ref.attemptId, { state: 'unknown', reason })
      return []
    }
    const byId = new Map(jobs.map((job) => [job.id, job]))
    const missing: Watched[] = []
    for (const each of watched) {
      const { ref, handle } = each
      const job = byId.get(handle.job)
      // A queue that was set up anew counts from the start again: the same id may be another job.
      if (job === undefined || (job.attemptId !== null && job.attemptId !== ref.attemptId))
        missing.push(each)
      else {
        this.#misses.delete(ref.attemptId)
        seen.set(ref.attemptId, await this.#observation(ref, job))
      }
    }
    return missing
  }

  async #observation(ref: ObjectRef, job: OwnJob): Promise<Observation> {
    const { state, reason, exitCode, node, verdict } = job
    switch (state) {
      case 'pending':
        return { state, reason, ...(verdict === 'never' ? { never: true } : {}) }
      case 'running': {
        // Only a scheduler's addresses are ever asked for.
        const named = ref.workerName === null && node !== null
        const nodeAddresses = named ? await this.#parts.nodes.of(node) : []
        const note = this.#parts.notes.of(ref)
        return { state, since: null, nodeAddresses, ...(note !== null && { note }) }
      }
      case 'ended':
        return {
          ...{ state: 'gone', reason: reason ?? 'the job ended', exitCode },
          ...(verdict === 'interrupted' ? { interrupted: true } : {}),
        }
    }
  }

  #missed(ref: ObjectRef): Observation {
    const misses = (this.#misses.get(ref.attemptId) ?? 0) + 1
    this.#misses.set(ref.attemptId, misses)
    if (misses < 2 || Date.now() - ref.createdAt < graceMs)
      return { state: 'unknown', reason: 'the queue does not tell of its job' }
    this.#misses.delete(ref.attemptId)
    const reason = 'its job is no longer in the queue, which does not tell how it ended'
    return { state: 'gone', reason, exitCode: null }
  }
}

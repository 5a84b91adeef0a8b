import { setTimeout } from 'node:timers/promises'
import { type Logger, messageOf } from '../../core/index.ts'
import {
  argumentsOf,
  type ProcessIdentity,
  type ProcessRecord,
  readProcess,
  sameProcess,
  signalProcess,
} from '../../util/index.ts'
import { membersOf, type Survey } from './survey.ts'

export interface StopSteps {
  readonly sigintMs: number
  readonly sigtermMs: number
  readonly sigkillMs: number
}

/** A worker that runs no task ends within a second or two; one that does not is not waited for. */
const othersLimitMs = 5000

/**
 * Ends processes in the background, gently first: SIGINT, SIGTERM, SIGKILL to everything that an attempt has running,
 * with a limit for each. `onStopped` is called when nothing is left, or when even SIGKILL was of no use.
 *
 * What Python's multiprocessing started gets no SIGINT of its own: `dask worker` asks the process that it keeps to end, and
 * waits eight seconds for one that was interrupted before it could answer.
 */
export class Stopper {
  readonly #steps: readonly (readonly [NodeJS.Signals, number])[]
  readonly #survey: () => Promise<Survey>
  readonly #onStopped: () => void
  readonly #logger: Logger
  readonly #tasks = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()

  constructor(
    steps: StopSteps,
    survey: () => Promise<Survey>,
    onStopped: () => void,
    logger: Logger,
  ) {
    const { sigintMs, sigtermMs, sigkillMs } = steps
    this.#steps = [
      ['SIGINT', sigintMs],
      ['SIGTERM', sigtermMs],
      ['SIGKILL', sigkillMs],
    ]
    this.#survey = survey
    this.#onStopped = onStopped
    this.#logger = logger
  }

  /**
   * Asked again while it is under way: goes on with what it began. Waits for a while for the attempts `others`, if those are
   * being stopped.
   */
  begin(attemptId: string, leader: ProcessIdentity, others: readonly string[] = []): void {
    if (this.#closing.signal.aborted || this.#tasks.has(attemptId)) return
    const task = this.#afterOthers(others)
      .then(() => this.#stop(attemptId, leader))
      .catch((error: unknown) => {
        if (this.#closing.signal.aborted) return
        this.#logger.warn(`cannot stop processes: ${messageOf(error)}`, { attempt: attemptId })
      })
      .finally(() => {
        this.#tasks.delete(attemptId)
        if (!this.#closing.signal.aborted) this.#onStopped()
      })
    this.#tasks.set(attemptId, task)
  }

  /** Leaves what is not yet stopped as it is. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#tasks.values())
  }

  async #afterOthers(attemptIds: readonly string[]): Promise<void> {
    const tasks = attemptIds.flatMap((each) => this.#tasks.get(each) ?? [])
    if (tasks.length === 0) return
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#closing.signal])
    const late = setTimeout(othersLimitMs, undefined, { signal }).catch(() => undefined)
    await Promise.race([Promise.all(tasks), late])
    done.abort()
    this.#closing.signal.throwIfAborted()
  }

  async #stop(attemptId: string, leader: ProcessIdentity): Promise<void> {
    let members: readonly ProcessRecord[] = []
    const look = async () => {
      members = membersOf(await this.#survey(), attemptId, leader, members)
      return members
    }
    for (const [signal, limitMs] of this.#steps) {
      for (const member of await look()) {
        if (signal !== 'SIGINT' || !isLeftToParent(member, members)) signalProcess(member, signal)
        // One that is halted could not answer; for others it means nothing.
        signalProcess(member, 'SIGCONT')
      }
      const deadline = performance.now() + limitMs
      let pauseMs = 10
      while (members.length > 0 && performance.now() < deadline) {
        await setTimeout(pauseMs, undefined, { signal: this.#closing.signal })
        pauseMs = Math.min(pauseMs * 1.5, 250)
        // A look at one process is cheaper than one at all.
        if (signal !== 'SIGKILL' && lives(members[0]) && lives(members.at(-1))) continue
        await look()
        // What was born meanwhile has not been signalled.
        if (signal === 'SIGKILL') for (const member of members) signalProcess(member, signal)
      }
      if (members.length === 0) return
    }
    this.#logger.warn('processes survived SIGKILL; the stop is tried again when asked for', {
      attempt: attemptId,
      pids: members.map((member) => member.pid),
    })
  }
}

function isLeftToParent(member: ProcessRecord, members: readonly ProcessRecord[]): boolean {
  return (
    members.some((each) => each.pid === member.parentPid) &&
    argumentsOf(member.pid).includes('--multiprocessing-fork')
  )
}

function lives(member: ProcessIdentity | undefined): boolean {
  const now = member === undefined ? null : readProcess(member.pid)
  return now !== null && !now.ended && sameProcess(now, member ?? null)
}

import { setTimeout } from 'node:timers/promises'
import { type Logger, messageOf } from '../../core/index.ts'
import {
  type ProcessIdentity,
  type ProcessRecord,
  readProcess,
  sameProcess,
  signalProcess,
} from '../../util/index.ts'
import type { FindMembers, RunningAttempt } from './attempt-members.ts'
import { processesWith } from './processes-with.ts'

export interface StopSteps {
  readonly sigintMs: number
  readonly sigtermMs: number
  readonly sigkillMs: number
}

/** A worker that runs no task ends within a second or two; one that does not is not waited for. */
const othersLimitMs = 5000

/**
 * Ends processes in the background, gently first: SIGINT, SIGTERM, SIGKILL to everything that an attempt has running,
 * with a limit for each. `onStopped` is called when nothing is left, or when even SIGKILL was of no use. The supervisor is
 * spared: it takes in what loses its parent, and ends when all the others have.
 *
 * What Python's multiprocessing started gets no SIGINT of its own: `dask worker` asks the process that it keeps to end, and
 * waits eight seconds for one that was interrupted before it could answer.
 */
export class Stopper {
  readonly #steps: readonly (readonly [NodeJS.Signals, number])[]
  readonly #find: FindMembers
  readonly #onStopped: () => void
  readonly #logger: Logger
  readonly #tasks = new Map<string, Promise<void>>()
  readonly #closing = new AbortController()

  constructor(steps: StopSteps, find: FindMembers, onStopped: () => void, logger: Logger) {
    const { sigintMs, sigtermMs, sigkillMs } = steps
    this.#steps = [
      ['SIGINT', sigintMs],
      ['SIGTERM', sigtermMs],
      ['SIGKILL', sigkillMs],
    ]
    this.#find = find
    this.#onStopped = onStopped
    this.#logger = logger
  }

  /**
   * Asked again while it is under way: goes on with what it began. Waits for a while for the attempts `others`, if those are
   * being stopped.
   */
  begin(attempt: RunningAttempt, others: readonly string[] = []): void {
    const { attemptId } = attempt
    if (this.#closing.signal.aborted || this.#tasks.has(attemptId)) return
    const task = this.#afterOthers(others)
      .then(() => this.#stop(attempt))
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

  async #stop(attempt: RunningAttempt): Promise<void> {
    const supervisor = attempt.handle
    let members: readonly ProcessRecord[] = []
    const look = async () => {
      members = await this.#find(attempt, members)
      return members.filter((each) => !sameProcess(each, supervisor))
    }
    const signalAll = async (signal: NodeJS.Signals) => {
      const found = await look()
      const children = signal === 'SIGINT' ? childrenAmong(found) : []
      for (const each of found) if (!children.includes(each)) signalProcess(each, signal)
      const spared = await leftToParent(children, attempt)
      for (const each of children) if (!spared.has(each.pid)) signalProcess(each, signal)
      // One that is halted could not answer; for others it means nothing.
      for (const each of members) signalProcess(each, 'SIGCONT')
      return found.length > 0
    }
    for (const [signal, limitMs] of this.#steps) {
      let isSent = await signalAll(signal)
      const deadline = performance.now() + limitMs
      let pauseMs = 10
      while (members.length > 0 && performance.now() < deadline) {
        await setTimeout(pauseMs, undefined, { signal: this.#closing.signal })
        pauseMs = Math.min(pauseMs * 1.5, 250)
        // A look at one process is cheaper than one at all; it lives for as long as another does.
        if (signal !== 'SIGKILL' && lives(supervisor)) {
          // A supervisor that had not yet begun its command: nobody has heard the signal.
          if (!isSent) isSent = await signalAll(signal)
          continue
        }
        const left = await look()
        // What was born meanwhile has not been signalled.
        if (signal === 'SIGKILL') for (const each of left) signalProcess(each, signal)
      }
      if (members.length === 0) return
    }
    if ((await look()).length === 0) signalProcess(supervisor, 'SIGKILL')
    this.#logger.warn('processes survived SIGKILL; the stop is tried again when asked for', {
      attempt: attempt.attemptId,
      pids: members.map((member) => member.pid),
    })
  }
}

function childrenAmong(members: readonly ProcessRecord[]): readonly ProcessRecord[] {
  const pids = new Set(members.map((each) => each.pid))
  return members.filter((each) => pids.has(each.parentPid))
}

async function leftToParent(
  children: readonly ProcessRecord[],
  { handle }: RunningAttempt,
): Promise<ReadonlySet<number>> {
  const pids = children.map((each) => each.pid)
  return await processesWith('--multiprocessing-fork', 'cmdline', pids, handle)
}

function lives(supervisor: ProcessIdentity): boolean {
  const now = readProcess(supervisor.pid)
  return now !== null && !now.ended && sameProcess(now, supervisor)
}

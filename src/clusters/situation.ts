import type { Cluster, Observation, Worker } from '../core/index.ts'
import type { Life } from './life.ts'
import type { Room } from './room.ts'

/** All that the next step of a cluster depends on. */
export interface Situation {
  readonly cluster: Cluster
  readonly workers: readonly Worker[]
  /** What is known but not recorded: lost in a restart, and found again by looking. */
  readonly facts: ClusterFacts
  readonly limits: Limits
  readonly quota: QuotaRoom
  readonly life: Life
  /** A clock that does not jump, in milliseconds; all times of facts are of it. */
  readonly now: number
}

/** What quotas leave to a cluster at this moment. */
export interface QuotaRoom {
  /** Why it may not start yet, in words; null: it may, or it waits for nothing. */
  readonly waitsFor: string | null
  /** How many more workers it may begin. */
  readonly workers: number
}

export interface ClusterFacts {
  /** The last heartbeat, or when this process took the cluster over. */
  readonly heardAt: number
  /** Whether the proxies have the route, so that users may see RUNNING. */
  readonly published: boolean
  readonly attempts: ReadonlyMap<string, AttemptFacts>
  /** When the first try to start the scheduler began, as far as this process knows. */
  readonly startBegunAt: number | null
  /** The sentence of the last try that failed without an outcome. */
  readonly lastError: string | null
  /** What the backend may be asked for, as far as its limits are known. */
  readonly room: Room
  /** Its age by the calendar when this process first looked, and when that was; null: it has not run yet. */
  readonly firstAge: { readonly ageMs: number; readonly at: number } | null
  /** When its owner last asked for something that only who uses it does, or when this process took it over. */
  readonly usedAt: number
  /** When its owner was last warned that it ends without a client. */
  readonly clientWarnedAt: number | null
  /** What it waited for in a quota when that was last looked at; null: nothing. */
  readonly quotaWait: string | null
}

export interface AttemptFacts {
  readonly observation: Observation | null
  /** The last moment at which it was known not to run yet; start time-outs count from it. */
  readonly notRunningAt: number
  /** When `find` first missed it. */
  readonly absentSince: number | null
  /** `find` missed it twice, far enough apart: it does not exist. */
  readonly absent: boolean
  readonly stopAskedAt: number | null
  /** When its scheduler told that it had left without being asked to. */
  readonly leftAt: number | null
  /** When it began to run, was last seen to run, and was gone: these three are of `steadyNow`. */
  readonly runningSince: number | null
  readonly seenRunningAt: number | null
  readonly goneAt: number | null
  /** The start of what counts of it, when that in its record cannot be; null: it can. */
  readonly countFrom: number | null
}

/** All in milliseconds. */
export interface Limits {
  readonly clusterStart: number
  readonly workerStart: number
  readonly heartbeat: number
  /** 0: none. */
  readonly queue: number
  readonly settle: number
  /** Between tries to start workers for which there was no room. */
  readonly roomAgain: number
  /** After this long a stop that has not been confirmed is asked for again. */
  readonly stopAgain: number
  readonly workerStartFailures: number
}

export type Step =
  /** Write that there is room for it. */
  | { readonly do: 'admit' }
  /** Record a new attempt, then ask the backend for the scheduler. */
  | { readonly do: 'start-scheduler' }
  /** Ask what became of attempts whose outcome is not known. */
  | { readonly do: 'find'; readonly attemptIds: readonly string[] }
  /** Give the proxies the route, then let users see RUNNING. */
  | { readonly do: 'publish' }
  | { readonly do: 'add-workers'; readonly count: number }
  | { readonly do: 'start-workers'; readonly workers: readonly Worker[] }
  /** Write that these are to end. */
  | {
      readonly do: 'retire-workers'
      readonly workers: readonly Worker[]
      readonly target: 'stopped' | 'failed'
      readonly reason: string
      /** Whether they count as workers that failed to start. */
      readonly startFailures?: boolean
    }
  /** Write that these have ended. */
  | { readonly do: 'end-workers'; readonly ends: readonly WorkerEnd[] }
  /** Write that it will end soon, and why. */
  | {
      readonly do: 'warn-of-end'
      readonly of: 'lifetime'
      readonly endAge: number
      readonly reason: string
      readonly inMs: number
    }
  | {
      readonly do: 'warn-of-end'
      readonly of: 'clients'
      readonly reason: string
      readonly inMs: number
    }
  /** Write that its life is over. */
  | { readonly do: 'end'; readonly reason: string }
  /** Write that the cluster is to end as failed. */
  | { readonly do: 'fail'; readonly reason: string }
  /** Write that the cluster is on its way out and take its route away. */
  | { readonly do: 'close' }
  | { readonly do: 'stop-objects'; readonly attemptIds: readonly string[] }
  /** Everything is gone: remove what is left outside, then write the final status. */
  | { readonly do: 'finish' }
  /** Nothing to do before this moment (on the clock of `now`); null: until something changes. */
  | {
      readonly do: 'wait'
      readonly until: number | null
      /** Whether a quota keeps it from workers that it should have. */
      readonly isShort: boolean
    }

export interface WorkerEnd {
  readonly worker: Worker
  readonly status: 'stopped' | 'failed'
  readonly reason: string
  /** Whether it counts as a worker that failed to start. */
  readonly startFailure: boolean
}

/** What is known of an attempt of which nothing is known. */
export function newAttemptFacts(now: number): AttemptFacts {
  return {
    observation: null,
    notRunningAt: now,
    absentSince: null,
    absent: false,
    stopAskedAt: null,
    leftAt: null,
    runningSince: null,
    seenRunningAt: null,
    goneAt: null,
    countFrom: null,
  }
}

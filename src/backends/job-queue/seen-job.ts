/** What a run of a queue's command gave back. */
export interface CommandAnswer {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** One job, or one task of an array of jobs, as a queue's status command tells of it. */
export interface SeenJob {
  /** As the queue's cancel command takes it: "12", "12_3", "12.pbs". */
  readonly id: string
  readonly name: string
  readonly username: string
  readonly state: 'pending' | 'running' | 'ended'
  /** Why it waits, or how it ended, in words for its owner; null: the queue does not tell. */
  readonly reason: string | null
  /** Pending: it can never run as it is. Ended: the system ended it, which is no fault of its own (see `Observation`). */
  readonly verdict?: 'never' | 'interrupted'
  /** The exit status of its script; null: there is none. */
  readonly exitCode: number | null
  /** The name of the node it runs on; null: none, or not known. */
  readonly node: string | null
}

import type {
  Backend,
  Cluster,
  Found,
  Json,
  ObjectRef,
  Observation,
  StartOutcome,
  WorkerOutcome,
  WorkerStart,
} from '../../src/core/index.ts'

/** A backend of nothing but memory, which can be told to refuse, to lose a reply and to see things end. */
export class FakeBackend implements Backend {
  /** What runs, by attempt id. */
  readonly running = new Map<string, Observation>()
  readonly calls: string[] = []
  readonly logTexts = new Map<string, string>()
  /** Taken from the front, one for each start of a scheduler. */
  readonly schedulerFaults: ('refuse' | 'lose-request' | 'lose-reply')[] = []
  readonly workerFaults: ('refuse' | 'lose-reply' | 'later')[] = []
  /** Thrown by each stop. */
  stopFault: Error | null = null
  /** Whether a stop ends things at once. */
  obedient = true
  onChange: () => void = () => {}

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  async startScheduler(cluster: Cluster): Promise<StartOutcome> {
    const id = cluster.attempt?.id ?? ''
    this.calls.push(`start-scheduler ${id}`)
    const fault = this.schedulerFaults.shift()
    if (fault === 'refuse') return { outcome: 'refused', reason: 'no such queue' }
    if (fault === 'lose-request') throw new Error('the request was lost')
    this.#run(id)
    if (fault === 'lose-reply') throw new Error('the reply was lost')
    return { outcome: 'started', handle: handleOf(id) }
  }

  async startWorkers(_cluster: Cluster, workers: readonly WorkerStart[]) {
    this.calls.push(`start-workers ${workers.length}`)
    const outcomes = new Map<string, WorkerOutcome>()
    for (const { attemptId } of workers) {
      const fault = this.workerFaults.shift()
      if (fault === 'refuse') outcomes.set(attemptId, { outcome: 'refused', reason: 'too large' })
      if (fault === 'later') outcomes.set(attemptId, { outcome: 'later', reason: 'no room' })
      if (fault === 'refuse' || fault === 'later') continue
      this.#run(attemptId)
      if (fault !== 'lose-reply')
        outcomes.set(attemptId, { outcome: 'started', handle: handleOf(attemptId) })
    }
    return outcomes
  }

  async observe(refs: readonly ObjectRef[]) {
    const gone: Observation = { state: 'gone', reason: 'exited with status 1', exitCode: 1 }
    return new Map(refs.map(({ attemptId }) => [attemptId, this.running.get(attemptId) ?? gone]))
  }

  async find(refs: readonly ObjectRef[]) {
    this.calls.push(`find ${refs.length}`)
    return new Map<string, Found>(
      refs.map(({ attemptId }) => [
        attemptId,
        this.running.has(attemptId)
          ? { state: 'found', handle: handleOf(attemptId) }
          : { state: 'absent' },
      ]),
    )
  }

  async stopObjects(_cluster: Cluster, refs: readonly ObjectRef[]) {
    this.calls.push(`stop ${refs.length}`)
    if (this.stopFault !== null) throw this.stopFault
    if (this.obedient) for (const { attemptId } of refs) this.end(attemptId, 'killed by signal 15')
  }

  async logs(_cluster: Cluster, ref: ObjectRef) {
    const text = this.logTexts.get(ref.workerName ?? 'scheduler')
    return text === undefined ? null : Buffer.from(text)
  }

  async cleanUp(cluster: Cluster): Promise<readonly string[]> {
    this.calls.push(`clean-up ${cluster.name}`)
    return []
  }

  async sweep() {
    return []
  }

  /** Something ends by itself. */
  end(attemptId: string, reason: string): void {
    this.running.set(attemptId, { state: 'gone', reason, exitCode: null })
    this.onChange()
  }

  set(attemptId: string, observation: Observation): void {
    this.running.set(attemptId, observation)
    this.onChange()
  }

  /** How many things run. */
  get alive(): number {
    return [...this.running.values()].filter(({ state }) => state === 'running').length
  }

  #run(attemptId: string): void {
    this.running.set(attemptId, { state: 'running', since: null, nodeAddresses: [] })
  }
}

function handleOf(attemptId: string): Json {
  return { job: attemptId }
}

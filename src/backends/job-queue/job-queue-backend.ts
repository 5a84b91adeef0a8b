import { join } from 'node:path'
import {
  type Backend,
  type BackendContext,
  type Cluster,
  type Found,
  GatewayError,
  type LogPiece,
  type ObjectRef,
  type Observation,
  type StartOutcome,
  type WorkerOutcome,
  type WorkerStart,
} from '../../core/index.ts'
import type { Commands } from '../../launcher/index.ts'
import { type Account, lookUpAccount } from '../account.ts'
import { Batches } from './batches.ts'
import { sweepProbes } from './checks/sweep-probes.ts'
import { findCommands } from './find-commands.ts'
import { parseHandle } from './job-handle.ts'
import { endOfLog, endsOfLogs, pieceFrom } from './job-log.ts'
import { accountOf, type JobQueueValues, makePlace, type Place } from './place.ts'
import type { Queue } from './queue.ts'
import { submitScheduler, submitWorkers } from './submit-jobs.ts'
import type { OwnJob } from './survey.ts'
import { StrayJobs } from './sweep-jobs.ts'

/** Runs clusters as jobs of a queue, each as the user whom it belongs to: the launcher runs the queue's commands as them. */
export function jobQueueBackend(
  values: JobQueueValues,
  context: BackendContext,
  queue: Queue,
): Backend {
  return new JobQueueBackend(values, context, queue)
}

class JobQueueBackend implements Backend {
  readonly #values: JobQueueValues
  readonly #context: BackendContext
  readonly #queue: Queue
  readonly #commands: Commands
  readonly #batches: Batches
  readonly #strays = new StrayJobs()
  #started: Place | null = null

  constructor(values: JobQueueValues, context: BackendContext, queue: Queue) {
    const { submit_command: submit, cancel_command: cancel, status_command: status } = values
    this.#values = values
    this.#context = context
    this.#queue = queue
    this.#commands = findCommands({ submit, cancel, status }, queue.manager)
    this.#batches = new Batches(join(context.stateDirectory, 'job-arrays'))
  }

  async start(): Promise<void> {
    await this.#batches.load()
    const shared = { queue: this.#queue, commands: this.#commands, batches: this.#batches }
    this.#started = makePlace(this.#values, this.#context, shared)
  }

  async stop(): Promise<void> {}

  async startScheduler(cluster: Cluster, signal: AbortSignal): Promise<StartOutcome> {
    if (cluster.attempt === null)
      throw new GatewayError('internal', `cluster ${cluster.name} has no attempt`)
    const { id } = cluster.attempt
    const account = await lookUpAccount(cluster.username, signal)
    if ('refused' in account) return { outcome: 'refused', reason: account.refused }
    const before = await this.#startedBefore(account, [refOf(cluster, id)], signal)
    const known = before.get(id)
    if (known !== undefined) return known
    return await this.#thenWake(submitScheduler(this.#place.submit, cluster, id, account, signal))
  }

  async startWorkers(
    cluster: Cluster,
    workers: readonly WorkerStart[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, WorkerOutcome>> {
    const account = await lookUpAccount(cluster.username, signal)
    if ('refused' in account)
      return new Map(
        workers.map(({ attemptId }) => [
          attemptId,
          { outcome: 'refused', reason: account.refused },
        ]),
      )
    const refs = workers.map(({ workerName, attemptId }) => ({
      ...refOf(cluster, attemptId),
      workerName,
    }))
    const outcomes = await this.#startedBefore(account, refs, signal)
    const rest = workers.filter(({ attemptId }) => !outcomes.has(attemptId))
    if (rest.length === 0) return outcomes
    const begun = await this.#thenWake(
      submitWorkers(this.#place.submit, cluster, rest, account, signal),
    )
    return new Map([...outcomes, ...begun])
  }

  async observe(
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Observation>> {
    return await this.#place.watch.observe(refs, signal)
  }

  async find(refs: readonly ObjectRef[], signal: AbortSignal): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>()
    for (const [username, theirs] of Map.groupBy(refs, (ref) => ref.username)) {
      const account = await lookUpAccount(username, signal)
      // For a name without an account nothing is submitted; but the account may have been removed since then.
      if ('refused' in account) {
        for (const { attemptId } of theirs)
          if (this.#batches.stagingOf(attemptId) === null) found.set(attemptId, { state: 'absent' })
          else throw new GatewayError('upstream', account.refused)
      } else
        for (const [id, each] of await this.#place.finder.find(account, theirs, signal))
          found.set(id, each)
    }
    return found
  }

  async stopObjects(
    cluster: Cluster,
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<void> {
    const ids = refs.flatMap((ref) => parseHandle(ref.handle)?.job ?? [])
    await this.#thenWake(this.#place.cancel(cluster.username, ids, signal))
  }

  async logs(
    cluster: Cluster,
    ref: ObjectRef,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Buffer | null> {
    return (await endOfLog(this.#place.call, cluster, ref, maxBytes, signal))?.bytes ?? null
  }

  async logPiece(
    cluster: Cluster,
    ref: ObjectRef,
    from: number | null,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<LogPiece | null> {
    const end = await endOfLog(this.#place.call, cluster, ref, maxBytes, signal)
    return end === null || from === null ? end : pieceFrom(end, from)
  }

  lastPieces(
    cluster: Cluster,
    refs: readonly ObjectRef[],
    maxBytes: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly [string, LogPiece]> {
    return endsOfLogs(this.#place.call, cluster, refs, maxBytes, signal)
  }

  async cleanUp(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
    const left = await this.#place.cleaner.clean(cluster, signal)
    await this.#batches.remove(cluster.name)
    this.#place.notes.forget(cluster.name)
    return left
  }

  async sweep(
    isCurrent: (attemptId: string) => boolean,
    minAgeMs: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { survey, watch } = this.#place
    // Of a task whose array no note tells of (somebody removed them), a record may still have the id.
    const jobs = (await survey.all(null, signal)).filter(
      ({ id, attemptId }) => attemptId !== null || !watch.isWatched(id),
    )
    const strays = this.#strays.find(jobs, isCurrent, minAgeMs, performance.now())
    const stopped: string[] = []
    for (const [username, theirs] of Map.groupBy(strays, (job) => job.username))
      try {
        stopped.push(...(await this.#stopStrays(username, theirs, signal)))
      } catch (error) {
        // One whose account is gone must not keep those of others.
        this.#context.logger.warn('Jobs that no record knows could not be stopped', {
          ...{ user: username, jobs: theirs.map(({ id }) => id), error },
        })
      }
    return [...stopped, ...(await sweepProbes(this.#place.probes, signal))]
  }

  async #stopStrays(
    username: string,
    strays: readonly OwnJob[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const account = await accountOf(username, signal)
    const ids = strays.map(({ id }) => id)
    // Names can be forged, and with them whole lines, but not in what the queue tells of one user alone.
    const sure = await this.#place.survey.asUser(account, ids, signal)
    const real = strays.filter((job) =>
      sure.some(({ id, name }) => id === job.id && name === job.name),
    )
    const known = real.map(({ id }) => id)
    await this.#place.cancel(username, known, signal)
    return real.map(({ id, name }) => `job ${id} (${name}) of ${username}`)
  }

  /** What became of those that were about to be submitted before, or were given up: no attempt is submitted twice. */
  async #startedBefore(
    account: Account,
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<Map<string, StartOutcome>> {
    const { finder } = this.#place
    const before = refs.filter(
      ({ attemptId }) => finder.isGivenUp(attemptId) || this.#batches.stagingOf(attemptId) !== null,
    )
    const outcomes = new Map<string, StartOutcome>()
    if (before.length === 0) return outcomes
    for (const [id, found] of await finder.find(account, before, signal))
      outcomes.set(
        id,
        found.state === 'found' ? { outcome: 'started', handle: found.handle } : givenUp,
      )
    return outcomes
  }

  /** Nothing tells of a change in the queue, so it is looked for after each that was asked for. */
  async #thenWake<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked
    } finally {
      this.#context.wake()
    }
  }

  get #place(): Place {
    if (this.#started === null)
      throw new GatewayError('internal', 'the backend for job queues was not started')
    return this.#started
  }
}

const givenUp: StartOutcome = {
  outcome: 'refused',
  reason: 'this attempt was given up before',
}

/** An attempt of the cluster's scheduler of which no answer is known. */
function refOf(cluster: Cluster, attemptId: string): ObjectRef {
  const { name: clusterName, username, startTime: createdAt } = cluster
  return { clusterName, username, workerName: null, attemptId, createdAt, handle: null }
}

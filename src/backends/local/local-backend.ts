import {
  type Backend,
  type BackendContext,
  type Cluster,
  type Found,
  GatewayError,
  type ObjectRef,
  type Observation,
  type StartOutcome,
  schedulerArguments,
  type WorkerStart,
  workerArguments,
} from '../../core/index.ts'
import { bootId } from '../../util/index.ts'
import type { Refused } from '../account.ts'
import type { Accounts } from './accounts.ts'
import { type FindMembers, memberFinder } from './attempt-members.ts'
import { begunBefore, findAttempt, notClaimed } from './attempts.ts'
import {
  claimPath,
  exitPath,
  handleJson,
  handleOf,
  type ProcessHandle,
  parseHandle,
} from './claims.ts'
import {
  type ClusterDirectory,
  clusterDirectory,
  logTail,
  openLog,
  readLog,
  removeDirectory,
} from './cluster-directory.ts'
import { defaultClustersRoot, prepareClustersRoot } from './clusters-root.ts'
import type { Exit } from './exit-reason.ts'
import { type Launch, prepareLaunch } from './launch.ts'
import { type Child, observeAttempts } from './observe-attempts.ts'
import type { localBackendSettings } from './settings.ts'
import { startProcess } from './start-process.ts'
import { Stopper } from './stopper.ts'
import { findSubreaper } from './subreaper.ts'
import { markerText, markerVariable, type Survey, surveyor } from './survey.ts'
import { Sweeper } from './sweep.ts'

export type LocalValues = NonNullable<(typeof localBackendSettings)['values']>

/** Where schedulers and workers listen: nothing but this machine needs them. */
const host = '127.0.0.1'

/** Each start needs a few descriptors until its process has begun. */
const startsAtOnce = 16

/** Runs clusters as processes on this machine, as the accounts that `accounts` gives. */
export function createLocalBackend(
  values: LocalValues,
  accounts: Accounts,
  context: BackendContext,
): Backend {
  return new LocalBackend(values, accounts, context)
}

/** What `start` finds out. */
interface Place {
  readonly root: string
  readonly subreaper: readonly string[]
  readonly survey: () => Promise<Survey>
  readonly members: FindMembers
  readonly stopper: Stopper
  readonly sweeper: Sweeper
}

/** What this gateway process started itself. */
interface OwnChild extends Child {
  readonly clusterName: string
}

class LocalBackend implements Backend {
  readonly #values: LocalValues
  readonly #accounts: Accounts
  readonly #context: BackendContext
  readonly #children = new Map<string, OwnChild>()
  #started: Place | null = null

  constructor(values: LocalValues, accounts: Accounts, context: BackendContext) {
    this.#values = values
    this.#accounts = accounts
    this.#context = context
  }

  async start(signal: AbortSignal): Promise<void> {
    const { instanceId, stateDirectory, wake, logger } = this.#context
    await this.#accounts.check(signal)
    const root = await prepareClustersRoot(
      this.#values.clusters_directory ?? defaultClustersRoot(stateDirectory, instanceId),
    )
    const survey = surveyor(instanceId)
    const members = memberFinder(instanceId, survey, (name) =>
      clusterDirectory(root, instanceId, name),
    )
    const stopper = new Stopper(this.#stopSteps, members, wake, logger)
    const stop = stopper.begin.bind(stopper)
    const sweeper = new Sweeper({ root, instanceId, survey, stop })
    this.#started = { root, subreaper: findSubreaper(logger), survey, members, stopper, sweeper }
  }

  async stop(): Promise<void> {
    await this.#started?.stopper.close()
  }

  async startScheduler(cluster: Cluster, signal: AbortSignal): Promise<StartOutcome> {
    if (cluster.attempt === null)
      throw new GatewayError('internal', `cluster ${cluster.name} has no attempt`)
    const args = schedulerArguments(cluster, host, this.#values.cluster_heartbeat_period)
    const launch = await this.#prepare(cluster, 'scheduler', signal)
    return await this.#start(cluster, cluster.attempt.id, null, launch, args, signal)
  }

  async startWorkers(
    cluster: Cluster,
    workers: readonly WorkerStart[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, StartOutcome>> {
    const launch = await this.#prepare(cluster, 'worker', signal)
    const outcomes = new Map<string, StartOutcome>()
    const start = async ({ workerName, attemptId }: WorkerStart) => {
      const args = workerArguments(cluster, workerName, host)
      try {
        const outcome = await this.#start(cluster, attemptId, workerName, launch, args, signal)
        outcomes.set(attemptId, outcome)
      } catch (error) {
        // The others' outcomes are known; this one is left out, hence asked for by `find`.
        this.#context.logger.warn('a worker may not have started', { worker: workerName, error })
      }
    }
    for (let index = 0; index < workers.length; index += startsAtOnce)
      await Promise.all(workers.slice(index, index + startsAtOnce).map(start))
    return outcomes
  }

  observe(refs: readonly ObjectRef[]): Promise<ReadonlyMap<string, Observation>> {
    const { members, stopper } = this.#place
    return observeAttempts(refs, {
      members,
      stop: (attempt) => stopper.begin(attempt),
      directoryOf: (clusterName) => this.#directory(clusterName),
      childOf: (attemptId) => this.#children.get(attemptId) ?? null,
    })
  }

  async find(refs: readonly ObjectRef[]): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>()
    for (const { attemptId, clusterName } of refs) {
      const handle = await this.#find(clusterName, attemptId)
      if (handle === 'absent') found.set(attemptId, { state: 'absent' })
      else if (handle !== 'unknown')
        found.set(attemptId, { state: 'found', handle: handleJson(handle) })
    }
    return found
  }

  async stopObjects(_cluster: Cluster, refs: readonly ObjectRef[]): Promise<void> {
    // Workers take leave of their scheduler, and are slow to end when it is gone: it goes last.
    const workers = refs.filter((ref) => ref.workerName !== null)
    const workerIds = workers.map((ref) => ref.attemptId)
    for (const ref of [...workers, ...refs.filter((each) => each.workerName === null)]) {
      const { attemptId, clusterName, handle, workerName } = ref
      const known = handle === null ? await this.#find(clusterName, attemptId) : parseHandle(handle)
      if (known === 'unknown')
        throw new GatewayError(
          'unavailable',
          `attempt ${attemptId} is about to start; stop it then`,
        )
      if (known === null || known === 'absent' || known.bootId !== bootId()) continue
      const attempt = { attemptId, clusterName, handle: known }
      this.#place.stopper.begin(attempt, workerName === null ? workerIds : [])
    }
  }

  async logs(cluster: Cluster, ref: ObjectRef, maxBytes: number): Promise<Buffer | null> {
    return await logTail(this.#directory(cluster.name), ref.workerName, maxBytes)
  }

  logPiece(cluster: Cluster, ref: ObjectRef, from: number | null, maxBytes: number) {
    return readLog(this.#directory(cluster.name), ref.workerName, from, maxBytes)
  }

  async cleanUp(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
    await removeDirectory(this.#directory(cluster.name), signal)
    for (const [attemptId, child] of this.#children)
      if (child.clusterName === cluster.name) this.#children.delete(attemptId)
    return []
  }

  async sweep(
    isCurrent: (attemptId: string) => boolean,
    minAgeMs: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    return await this.#place.sweeper.sweep(isCurrent, minAgeMs, signal)
  }

  get #place(): Place {
    if (this.#started === null)
      throw new GatewayError('internal', 'the local backend was not started')
    return this.#started
  }

  get #stopSteps() {
    const { sigint_timeout, sigterm_timeout, sigkill_timeout } = this.#values
    return {
      sigintMs: sigint_timeout * 1000,
      sigtermMs: sigterm_timeout * 1000,
      sigkillMs: sigkill_timeout * 1000,
    }
  }

  #directory(clusterName: string): ClusterDirectory {
    return clusterDirectory(this.#place.root, this.#context.instanceId, clusterName)
  }

  #prepare(cluster: Cluster, role: 'scheduler' | 'worker', signal: AbortSignal) {
    const { apiUrl } = this.#context
    const directory = this.#directory(cluster.name)
    const values = this.#values
    const place = { accounts: this.#accounts, values, apiUrl, directory }
    return prepareLaunch(place, cluster, role, signal)
  }

  /** Starts one process, unless the attempt has begun already. */
  async #start(
    cluster: Cluster,
    attemptId: string,
    workerName: string | null,
    launch: Launch | Refused,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<StartOutcome> {
    const directory = this.#directory(cluster.name)
    const begun = await begunBefore(directory, attemptId)
    if (begun !== null) return begun
    if ('refused' in launch) return { outcome: 'refused', reason: launch.refused }
    const { account, command, environment, notes } = launch
    await using log = await openLog(directory, workerName, account)
    const child: OwnChild = { clusterName: cluster.name, exit: null }
    this.#children.set(attemptId, child)
    const onExit = (exit: Exit) => {
      child.exit = exit
      this.#context.wake()
    }
    const { instanceId } = this.#context
    const marker = markerText({ instanceId, attemptId, clusterName: cluster.name })
    const { identity, claimed } = await startProcess(
      {
        subreaper: this.#place.subreaper,
        argv: [...command, ...args],
        environment: { ...environment, [markerVariable]: marker },
        marker,
        directory: directory.work,
        claim: claimPath(directory, attemptId),
        exit: exitPath(directory, attemptId),
        log: log.fd,
        account,
        ...this.#stopSteps,
      },
      onExit,
      signal,
    )
    if (!claimed) {
      this.#children.delete(attemptId)
      return await notClaimed(directory, attemptId, workerName)
    }
    const handle = handleJson(handleOf(identity, account))
    return notes.length === 0
      ? { outcome: 'started', handle }
      : { outcome: 'started', handle, notes }
  }

  #find(clusterName: string, attemptId: string): Promise<ProcessHandle | 'absent' | 'unknown'> {
    return findAttempt(this.#directory(clusterName), attemptId, this.#place.survey)
  }
}

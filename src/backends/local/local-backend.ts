import {
  type Backend,
  type BackendContext,
  type Cluster,
  daskEnvironment,
  type Found,
  GatewayError,
  type ObjectRef,
  type Observation,
  type StartOutcome,
  schedulerArguments,
  type WorkerStart,
  workerArguments,
} from '../../core/index.ts'
import { bootId, bootTimeMs, readProcess, sameProcess, startedAt } from '../../util/index.ts'
import { type Account, accountNamed, ownAccount } from './account.ts'
import { begunBefore, findAttempt, notClaimed } from './attempts.ts'
import { childEnvironment } from './child-environment.ts'
import { claimPath, handleJson, handleOf, type ProcessHandle, parseHandle } from './claims.ts'
import {
  type ClusterDirectory,
  clusterDirectory,
  logTail,
  openLog,
  prepareDirectory,
  removeDirectory,
} from './cluster-directory.ts'
import { prepareClustersRoot } from './clusters-root.ts'
import { type Exit, exitReason, lastLine } from './exit-reason.ts'
import { resolveCommand } from './resolve-command.ts'
import type { unsafeLocalBackendSettings } from './settings.ts'
import { startProcess } from './start-process.ts'
import { Stopper } from './stopper.ts'
import { markerText, markerVariable, membersOf, type Survey, surveyor } from './survey.ts'
import { Sweeper } from './sweep.ts'

export type LocalValues = NonNullable<(typeof unsafeLocalBackendSettings)['values']>

/** Where schedulers and workers listen: nothing but this machine needs them. */
const host = '127.0.0.1'

/** Each start needs a few descriptors until its process has begun. */
const startsAtOnce = 16

/** Runs clusters as processes of one account on this machine. */
export function createLocalBackend(values: LocalValues, context: BackendContext): Backend {
  return new LocalBackend(values, context)
}

/** What `start` finds out. */
interface Place {
  readonly account: Account
  readonly root: string
  readonly survey: () => Promise<Survey>
  readonly stopper: Stopper
  readonly sweeper: Sweeper
}

/** What this gateway process started itself, so that it is told how it ended. */
interface Child {
  readonly clusterName: string
  exit: Exit | null
}

class LocalBackend implements Backend {
  readonly #values: LocalValues
  readonly #context: BackendContext
  readonly #children = new Map<string, Child>()
  #started: Place | null = null

  constructor(values: LocalValues, context: BackendContext) {
    this.#values = values
    this.#context = context
  }

  async start(signal: AbortSignal): Promise<void> {
    const { user, clusters_directory, sigint_timeout, sigterm_timeout, sigkill_timeout } =
      this.#values
    const { instanceId, stateDirectory, wake, logger } = this.#context
    const account = user === null ? ownAccount() : await accountNamed(user, signal)
    const root = await prepareClustersRoot(clusters_directory, stateDirectory, instanceId, account)
    const survey = surveyor(instanceId, account.uid)
    const steps = {
      sigintMs: sigint_timeout * 1000,
      sigtermMs: sigterm_timeout * 1000,
      sigkillMs: sigkill_timeout * 1000,
    }
    const stopper = new Stopper(steps, survey, wake, logger)
    const stop = stopper.begin.bind(stopper)
    const sweeper = new Sweeper({ root, instanceId, account, survey, stop })
    this.#started = { account, root, survey, stopper, sweeper }
  }

  async stop(): Promise<void> {
    await this.#started?.stopper.close()
  }

  async startScheduler(cluster: Cluster, signal: AbortSignal): Promise<StartOutcome> {
    if (cluster.attempt === null)
      throw new GatewayError('internal', `cluster ${cluster.name} has no attempt`)
    const args = schedulerArguments(cluster, host, this.#values.cluster_heartbeat_period)
    await prepareDirectory(this.#directory(cluster.name), cluster, this.#place.account)
    return await this.#start(cluster, cluster.attempt.id, null, args, signal)
  }

  async startWorkers(
    cluster: Cluster,
    workers: readonly WorkerStart[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, StartOutcome>> {
    await prepareDirectory(this.#directory(cluster.name), cluster, this.#place.account)
    const outcomes = new Map<string, StartOutcome>()
    const start = async ({ workerName, attemptId }: WorkerStart) => {
      const args = workerArguments(cluster, workerName, host)
      try {
        outcomes.set(attemptId, await this.#start(cluster, attemptId, workerName, args, signal))
      } catch (error) {
        // The others' outcomes are known; this one is left out, hence asked for by `find`.
        this.#context.logger.warn('a worker may not have started', { worker: workerName, error })
      }
    }
    for (let index = 0; index < workers.length; index += startsAtOnce)
      await Promise.all(workers.slice(index, index + startsAtOnce).map(start))
    return outcomes
  }

  async observe(refs: readonly ObjectRef[]): Promise<ReadonlyMap<string, Observation>> {
    const seen = new Map<string, Observation>()
    const boot = bootId()
    const bootMs = bootTimeMs()
    let survey: Survey | null = null
    for (const ref of refs) {
      if (ref.handle === null) continue
      const handle = parseHandle(ref.handle)
      if (handle === null) {
        seen.set(ref.attemptId, { state: 'unknown', reason: 'its record names no process' })
        continue
      }
      const sameBoot = handle.bootId === boot
      if (sameBoot && !this.#hasEnded(ref.attemptId, handle)) {
        seen.set(ref.attemptId, running(handle, bootMs))
        continue
      }
      survey ??= await this.#place.survey()
      if (sameBoot && membersOf(survey, ref.attemptId, handle).length > 0) {
        // It is gone when what it left behind is, too.
        this.#place.stopper.begin(ref.attemptId, handle)
        seen.set(ref.attemptId, running(handle, bootMs))
      } else seen.set(ref.attemptId, await this.#gone(ref, sameBoot))
    }
    return seen
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
      this.#place.stopper.begin(attemptId, known, workerName === null ? workerIds : [])
    }
  }

  async logs(cluster: Cluster, ref: ObjectRef, maxBytes: number): Promise<Buffer | null> {
    return await logTail(this.#directory(cluster.name), ref.workerName, maxBytes)
  }

  async cleanUp(cluster: Cluster, signal: AbortSignal): Promise<void> {
    await removeDirectory(this.#directory(cluster.name), this.#place.account, signal)
    for (const [attemptId, child] of this.#children)
      if (child.clusterName === cluster.name) this.#children.delete(attemptId)
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

  #directory(clusterName: string): ClusterDirectory {
    const { root, account } = this.#place
    return clusterDirectory(root, this.#context.instanceId, clusterName, account)
  }

  /** Starts one process, unless the attempt has begun already. */
  async #start(
    cluster: Cluster,
    attemptId: string,
    workerName: string | null,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<StartOutcome> {
    const directory = this.#directory(cluster.name)
    const begun = await begunBefore(directory, attemptId)
    if (begun !== null) return begun
    const { account } = this.#place
    const role = workerName === null ? 'scheduler' : 'worker'
    const { instanceId, apiUrl } = this.#context
    const marker = markerText({ instanceId, attemptId, clusterName: cluster.name })
    const built = childEnvironment(
      this.#values.inherited_environment,
      account.home,
      { ...daskEnvironment(cluster, role, apiUrl, directory.secrets), USER: cluster.username },
      { [markerVariable]: marker },
    )
    if ('refused' in built) return { outcome: 'refused', reason: built.refused }
    const { environment } = built
    const command = await resolveCommand(`${role}_cmd`, cluster.settings[`${role}_cmd`], {
      path: environment.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      home: account.home,
      directory: directory.work,
    })
    if ('refused' in command) return { outcome: 'refused', reason: command.refused }
    await using log = await openLog(directory, workerName, account)
    const child: Child = { clusterName: cluster.name, exit: null }
    this.#children.set(attemptId, child)
    const onExit = (exit: Exit) => {
      child.exit = exit
      this.#context.wake()
    }
    const { identity, claimed } = await startProcess(
      {
        argv: [...command.argv, ...args],
        environment,
        marker,
        directory: directory.work,
        claim: claimPath(directory, attemptId),
        log: log.fd,
        account,
      },
      onExit,
      signal,
    )
    if (!claimed) {
      this.#children.delete(attemptId)
      return await notClaimed(directory, attemptId, workerName)
    }
    const notes = command.note === null ? {} : { notes: [command.note] }
    return { outcome: 'started', handle: handleJson(handleOf(identity)), ...notes }
  }

  /** A child has ended when Node has said how; another's process when the system no longer knows it. */
  #hasEnded(attemptId: string, handle: ProcessHandle): boolean {
    const child = this.#children.get(attemptId)
    if (child !== undefined) return child.exit !== null
    const now = readProcess(handle.pid)
    return now === null || now.ended || !sameProcess(now, handle)
  }

  #find(clusterName: string, attemptId: string): Promise<ProcessHandle | 'absent' | 'unknown'> {
    return findAttempt(this.#directory(clusterName), attemptId, this.#place.survey)
  }

  async #gone(ref: ObjectRef, sameBoot: boolean): Promise<Observation> {
    const exit = this.#children.get(ref.attemptId)?.exit ?? null
    if (exit !== null) return { state: 'gone', reason: exitReason(exit), exitCode: exit.code }
    if (!sameBoot)
      return { state: 'gone', reason: 'ended when the machine restarted', exitCode: null }
    const log = await logTail(this.#directory(ref.clusterName), ref.workerName, 4096)
    const line = lastLine(log)
    const words = line === null ? '' : `; the last line of its log: ${line}`
    const reason = `ended; how is not known, as the gateway was restarted since it began${words}`
    return { state: 'gone', reason, exitCode: null }
  }
}

function running(handle: ProcessHandle, bootMs: number): Observation {
  return { state: 'running', since: startedAt(handle, bootMs), nodeAddresses: [] }
}

import { join } from 'node:path'
import {
  type Backend,
  type BackendContext,
  type Cluster,
  type Found,
  GatewayError,
  type LogPiece,
  messageOf,
  type ObjectRef,
  type Observation,
  type StartOutcome,
  type WorkerOutcome,
  type WorkerStart,
  workerArguments,
} from '../../core/index.ts'
import { type ApplicationReport, applicationIdText, readApplicationId } from '../../hadoop/index.ts'
import { NodeAddresses } from '../job-queue/node-addresses.ts'
import { StrayJobs } from '../job-queue/sweep-jobs.ts'
import { applicationOf, handleJson } from './application-handle.ts'
import { type Application, Applications } from './applications.ts'
import { FreshTokens } from './fresh-tokens.ts'
import { type HadoopPlace, openHadoop } from './hadoop-place.ts'
import { liveStates } from './live-states.ts'
import { removeUploads } from './localize.ts'
import { Masters } from './masters.ts'
import type { YarnValues } from './settings.ts'
import {
  attemptOfTags,
  attemptTag,
  instanceTag,
  listenHost,
  type SubmitParts,
  submitApplication,
} from './submit.ts'
import { Watch } from './watch.ts'
import { workerLog } from './worker-log.ts'

/** What `start` makes. */
interface Started {
  readonly place: HadoopPlace
  readonly submit: SubmitParts
  readonly watch: Watch
  readonly tokens: FreshTokens
}

/**
 * Runs each cluster as an application of YARN, as its user. The scheduler's container is that of the application master too, a program of
 * ours, which calls the gateway to learn which workers to run.
 */
export class YarnBackend implements Backend {
  readonly callHome: Masters
  readonly #values: YarnValues
  readonly #context: BackendContext
  readonly #applications: Applications
  readonly #strays = new StrayJobs()
  /** Attempts that were called absent: they never start. */
  readonly #givenUp = new Set<string>()
  #started: Started | null = null

  constructor(values: YarnValues, context: BackendContext) {
    this.#values = values
    this.#context = context
    this.#applications = new Applications(join(context.stateDirectory, 'applications'))
    this.callHome = new Masters(this.#applications, context.wake, {
      renew: async (cluster) => this.#started?.tokens.renew(cluster),
      of: (attemptId) => this.#started?.tokens.of(attemptId) ?? null,
      forget: (attemptId) => this.#started?.tokens.forget(attemptId),
    })
  }

  async start(): Promise<void> {
    await this.#applications.load()
    const place = await openHadoop(this.#values, this.#context.logger)
    const { instanceId } = this.#context
    const shared = { place, applications: this.#applications }
    const heartbeatPeriodSeconds = this.#values.cluster_heartbeat_period
    this.#started = {
      place,
      submit: { ...shared, context: this.#context, heartbeatPeriodSeconds },
      watch: new Watch({
        ...shared,
        masters: this.callHome,
        nodes: new NodeAddresses(),
        instanceId,
      }),
      tokens: new FreshTokens(place, this.#context.logger, (id) => this.callHome.changed(id)),
    }
  }

  async stop(): Promise<void> {
    this.#started?.place.close()
  }

  async startScheduler(cluster: Cluster, signal: AbortSignal): Promise<StartOutcome> {
    if (cluster.attempt === null)
      throw new GatewayError('internal', `cluster ${cluster.name} has no attempt`)
    const { id } = cluster.attempt
    if (this.#givenUp.has(id)) return givenUp
    return await this.#thenWake(submitApplication(this.#parts.submit, cluster, id, signal))
  }

  async startWorkers(
    cluster: Cluster,
    workers: readonly WorkerStart[],
  ): Promise<ReadonlyMap<string, WorkerOutcome>> {
    await this.#parts.tokens.renew(cluster)
    const application = this.#applications.of(cluster.attempt?.id)
    if (application === undefined)
      throw new GatewayError(
        'upstream',
        `the gateway has no file of the application of cluster ${cluster.name}`,
      )
    const wanted = workers.filter(({ attemptId }) => !this.#givenUp.has(attemptId))
    const args = wanted.map(({ workerName, attemptId }) => {
      return [attemptId, workerArguments(cluster, workerName, listenHost)] as const
    })
    await this.#want(application, { ...application.workers, ...Object.fromEntries(args) })
    return new Map(
      workers.map(({ attemptId }) => [
        attemptId,
        this.#givenUp.has(attemptId)
          ? givenUp
          : { outcome: 'started', handle: handleJson(application.id) },
      ]),
    )
  }

  async observe(
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Observation>> {
    return await this.#parts.watch.observe(refs, signal)
  }

  async find(refs: readonly ObjectRef[], signal: AbortSignal): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>()
    for (const ref of refs) {
      const application = await this.#applicationOf(ref, signal)
      if (application === null) this.#givenUp.add(ref.attemptId)
      found.set(
        ref.attemptId,
        application === null
          ? { state: 'absent' }
          : { state: 'found', handle: handleJson(application.id) },
      )
    }
    return found
  }

  async stopObjects(
    cluster: Cluster,
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const [application, theirs] of Map.groupBy(refs, (ref) =>
      this.#applications.withWorker(ref.clusterName, ref.attemptId),
    )) {
      if (application === undefined) continue
      const stopped = new Set(theirs.map(({ attemptId }) => attemptId))
      const rest = Object.entries(application.workers).filter(([id]) => !stopped.has(id))
      await this.#want(application, Object.fromEntries(rest))
    }
    for (const ref of refs) {
      const id = applicationOf(ref.handle)?.id
      if (ref.workerName !== null || id === undefined) continue
      const manager = this.#parts.place.manager.as(cluster.username)
      await this.#thenWake(asUpstream(manager.kill(id, 'Stopped by the Dask gateway', { signal })))
    }
  }

  async logs(
    cluster: Cluster,
    ref: ObjectRef,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Buffer | null> {
    return (await this.logPiece(cluster, ref, null, maxBytes, signal))?.bytes ?? null
  }

  async logPiece(
    _cluster: Cluster,
    ref: ObjectRef,
    from: number | null,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<LogPiece | null> {
    const log = ref.handle === null ? null : await this.#logOf(ref, signal)
    if (log === null) return null
    const end = log.from + log.bytes.length
    const start = Math.max(log.from, from ?? end - maxBytes)
    if (start > end) return { from: end, bytes: Buffer.alloc(0) }
    return { from: start, bytes: log.bytes.subarray(start - log.from).subarray(0, maxBytes) }
  }

  async cleanUp(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
    const { localize_files: files } = cluster.settings
    const sources = Object.values((files ?? {}) as { readonly [name: string]: unknown })
    const isLocal = (file: unknown) => !JSON.stringify(file).includes('hdfs://')
    if (sources.some(isLocal)) await asUpstream(removeUploads(this.#parts.place, cluster, signal))
    for (const { attemptId } of this.#applications.ofCluster(cluster.name)) {
      this.callHome.forget(attemptId)
      await this.#applications.remove(attemptId)
    }
    return []
  }

  async sweep(
    isCurrent: (attemptId: string) => boolean,
    minAgeMs: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { manager } = this.#parts.place
    const { instanceId } = this.#context
    const query = { tags: [instanceTag(instanceId)], states: [...liveStates] }
    const reports = await asUpstream(manager.as().applications(query, { signal }))
    const jobs = reports.map((report) => ({
      id: applicationIdText(report.applicationId ?? {}),
      state: 'running' as const,
      attemptId: attemptOfTags(instanceId, report.tags ?? []),
      report,
    }))
    const stopped: string[] = []
    for (const { id, attemptId, report } of this.#strays.find(
      jobs,
      isCurrent,
      minAgeMs,
      performance.now(),
    ))
      if (await this.#stopStray(report, signal))
        stopped.push(`application ${id} (attempt ${attemptId}) of ${report.user}`)
    return stopped
  }

  async #stopStray(report: ApplicationReport, signal: AbortSignal): Promise<boolean> {
    const id = readApplicationId(applicationIdText(report.applicationId ?? {}))
    if (id === null || report.user === undefined) return false
    try {
      const why = 'No record of the Dask gateway knows it'
      await this.#parts.place.manager.as(report.user).kill(id, why, { signal })
      return true
    } catch (error) {
      // One whose user the gateway may no longer act for must not keep those of others.
      this.#context.logger.warn('An application that no record knows could not be stopped', {
        ...{ application: applicationIdText(id), user: report.user, error: messageOf(error) },
      })
      return false
    }
  }

  /** The application that an attempt was started by, or is part of; null: there is none. */
  async #applicationOf(ref: ObjectRef, signal: AbortSignal): Promise<Application | null> {
    const { clusterName, username, attemptId } = ref
    const known =
      ref.workerName === null
        ? this.#applications.of(attemptId)
        : this.#applications.withWorker(clusterName, attemptId)
    if (known?.isSubmitted) return known
    if (ref.workerName !== null) return null
    const tags = [attemptTag(this.#context.instanceId, attemptId)]
    const manager = this.#parts.place.manager.as(username)
    const reports = await asUpstream(manager.applications({ tags }, { signal }))
    const [report] = reports.filter((each) => each.user === username)
    if (report === undefined) return null
    const id = applicationIdText(report.applicationId ?? {})
    const workers = known?.workers ?? {}
    const application = { attemptId, clusterName, username, id, isSubmitted: true, workers }
    await this.#applications.put(application)
    return application
  }

  async #logOf(ref: ObjectRef, signal: AbortSignal): Promise<LogPiece | null> {
    if (ref.workerName === null) return this.callHome.log(ref.attemptId)
    const id = applicationOf(ref.handle)?.text
    const application = this.#applications.ofCluster(ref.clusterName).find((each) => each.id === id)
    const fact =
      application === undefined ? null : this.callHome.factOf(application.attemptId, ref.attemptId)
    return await workerLog(this.#parts.place, ref, fact, signal)
  }

  async #want(application: Application, workers: Application['workers']): Promise<void> {
    const { attemptId } = application
    // What has ended by itself is wanted no longer.
    const rest = Object.entries(workers).filter(
      ([id]) => this.callHome.factOf(attemptId, id)?.state !== 'ended',
    )
    await this.#applications.put({ ...application, workers: Object.fromEntries(rest) })
    this.callHome.changed(attemptId)
  }

  /** Nothing but calls of the application master tells of a change, so it is looked for after each that was asked for. */
  async #thenWake<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked
    } finally {
      this.#context.wake()
    }
  }

  get #parts(): Started {
    if (this.#started === null)
      throw new GatewayError('internal', 'the backend for YARN was not started')
    return this.#started
  }
}

const givenUp = { outcome: 'refused', reason: 'this attempt was given up before' } as const

async function asUpstream<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (cause) {
    throw new GatewayError('upstream', messageOf(cause), { cause })
  }
}

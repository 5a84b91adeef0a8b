import { messageOf, type ObjectRef, type Observation } from '../../core/index.ts'
import { type ApplicationReport, applicationIdText } from '../../hadoop/index.ts'
import type { NodeAddresses } from '../job-queue/node-addresses.ts'
import { applicationOf } from './application-handle.ts'
import type { Applications } from './applications.ts'
import { containerEnd, sentence } from './container-end.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import type { WorkerFact } from './master-message.ts'
import type { Masters } from './masters.ts'
import { instanceTag } from './submit.ts'

export interface WatchParts {
  readonly place: HadoopPlace
  readonly applications: Applications
  readonly masters: Masters
  readonly nodes: Pick<NodeAddresses, 'of'>
  readonly instanceId: string
}

/** One that YARN has just taken may be missing in its next answer. */
const graceMs = 15_000
const endedStates: readonly (string | undefined)[] = ['FINISHED', 'FAILED', 'KILLED']

/** What YARN tells of schedulers, all by one call, and their application masters of workers. */
export class Watch {
  readonly #parts: WatchParts
  readonly #misses = new Map<string, number>()
  /** Where an application master runs. */
  readonly #hosts = new Map<string, string>()

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  async observe(
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Observation>> {
    const seen = new Map<string, Observation>()
    const watched = refs.filter((ref) => ref.handle !== null)
    if (watched.length === 0) return seen
    const { place, instanceId } = this.#parts
    const reports = await place.manager
      .as()
      .applications({ tags: [instanceTag(instanceId)] }, { signal })
    const byId = new Map(
      reports.map((report) => [applicationIdText(report.applicationId ?? {}), report]),
    )
    const ends = new Map<string, Observation>()
    for (const [id, theirs] of Map.groupBy(
      watched,
      ({ handle }) => applicationOf(handle)?.text ?? '',
    )) {
      const state = await this.#application(id, theirs, byId.get(id), signal)
      ends.set(id, state)
      for (const ref of theirs)
        seen.set(ref.attemptId, ref.workerName === null ? state : this.#worker(ref, state))
    }
    return seen
  }

  /** How the application is, hence its scheduler. */
  async #application(
    text: string,
    [ref]: readonly [ObjectRef, ...ObjectRef[]] | readonly ObjectRef[],
    report: ApplicationReport | undefined,
    signal: AbortSignal,
  ): Promise<Observation> {
    const id = applicationOf(ref?.handle ?? null)?.id
    if (ref === undefined || id === undefined)
      return { state: 'unknown', reason: 'its record names no application' }
    const manager = this.#parts.place.manager.as(ref.username)
    try {
      if (report?.state === 'RUNNING') return await this.#running(text, ref, signal)
      // Why it waits or has ended is told to its owner alone; and what is missing may only be hidden.
      const told = await manager.report(id, { signal })
      if (told === null) return this.#missed(ref)
      this.#misses.delete(text)
      if (endedStates.includes(told.state)) return endOf(told)
      if (told.state === 'RUNNING') return await this.#running(text, ref, signal)
      const why = waitReason(told.diagnostics ?? '')
      if (/AM container is launched/.test(why)) return await this.#running(text, ref, signal)
      return { state: 'pending', reason: why === '' ? null : why }
    } catch (error) {
      return { state: 'unknown', reason: messageOf(error) }
    }
  }

  async #running(text: string, ref: ObjectRef, signal: AbortSignal): Promise<Observation> {
    const id = applicationOf(ref.handle)?.id
    if (!this.#hosts.has(text) && id !== undefined) {
      const [container] = await this.#parts.place.manager
        .as(ref.username)
        .containers(id, 1, { signal })
      if (container?.nodeId?.host !== undefined) this.#hosts.set(text, container.nodeId.host)
    }
    const host = this.#hosts.get(text)
    const nodeAddresses = host === undefined ? [] : await this.#parts.nodes.of(host)
    return { state: 'running', since: null, nodeAddresses }
  }

  #missed(ref: ObjectRef): Observation {
    const text = applicationOf(ref.handle)?.text ?? ''
    const misses = (this.#misses.get(text) ?? 0) + 1
    this.#misses.set(text, misses)
    if (misses < 2 || Date.now() - ref.createdAt < graceMs)
      return { state: 'unknown', reason: 'YARN does not tell of its application' }
    const reason = 'YARN no longer knows its application, and does not tell how it ended'
    return { state: 'gone', reason, exitCode: null }
  }

  #worker(ref: ObjectRef, application: Observation): Observation {
    const { applications, masters } = this.#parts
    const known = applications.withWorker(ref.clusterName, ref.attemptId)
    const text = applicationOf(ref.handle)?.text
    const mine = known ?? applications.ofCluster(ref.clusterName).find((each) => each.id === text)
    const fact = mine === undefined ? undefined : masters.factOf(mine.attemptId, ref.attemptId)
    if (fact?.state === 'ended') return workerEnd(fact)
    if (application.state === 'gone')
      return {
        state: 'gone',
        reason: `its application ended: ${application.reason}`,
        exitCode: null,
      }
    if (fact === undefined)
      return known === undefined || application.state === 'unknown'
        ? { state: 'unknown', reason: 'the application master has not called yet' }
        : waits
    if (fact === null)
      return known === undefined
        ? { state: 'gone', reason: 'it was stopped before it was started', exitCode: null }
        : waits
    if (fact.state === 'asked') return waits
    return { state: 'running', since: fact.since ?? null, nodeAddresses: [] }
  }
}

/** Why an application waits: without the time, and the figures that follow, since what changes is told again. */
function waitReason(diagnostics: string): string {
  return sentence(diagnostics)
    .replace(/^\[[^\]]*\]\s*/, '')
    .replace(/\s*Details\s*:.*$/, '')
}

const waits: Observation = { state: 'pending', reason: 'YARN has not given it a container yet' }

function workerEnd({ why, exit = -1000, words = '' }: WorkerFact): Observation {
  switch (why) {
    case 'cancelled':
      return { state: 'gone', reason: 'it was stopped before it was started', exitCode: null }
    case 'stopped':
      return {
        ...containerEnd(exit, ''),
        reason: words === '' ? 'it was stopped' : sentence(words),
      }
    case 'refused':
      return { state: 'gone', reason: `YARN refuses: ${sentence(words)}`, exitCode: null }
    case 'not started':
      return { state: 'gone', reason: sentence(words), exitCode: null }
    default:
      return containerEnd(exit, words)
  }
}

/** Of an application that has ended: in its own master's words, or in YARN's. */
function endOf({ state, diagnostics = '' }: ApplicationReport): Observation {
  const [, status] = /^The scheduler exited with status (\d+)$/m.exec(diagnostics.trim()) ?? []
  if (status !== undefined)
    return {
      state: 'gone',
      reason: `The scheduler exited with status ${status}`,
      exitCode: Number(status),
    }
  const [, container] = /exited with\s+exitCode:\s*(-?\d+)/.exec(diagnostics) ?? []
  const words = sentence(diagnostics)
  if (container === undefined || state === 'KILLED')
    return {
      state: 'gone',
      reason: words === '' ? 'YARN ended its application' : words,
      exitCode: null,
    }
  const end = containerEnd(Number(container), diagnostics)
  return { ...end, reason: end.exitCode === null ? end.reason : `${end.reason}: ${words}` }
}

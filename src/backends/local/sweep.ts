import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { bootTimeMs, startedAt } from '../../util/index.ts'
import type { RunningAttempt } from './attempt-members.ts'
import { findAttempt } from './attempts.ts'
import {
  type ClusterDirectory,
  clusterDirectory,
  directoryPrefix,
  removeDirectory,
} from './cluster-directory.ts'
import type { OwnedProcess, Survey } from './survey.ts'

export interface SweepPlace {
  readonly root: string
  readonly instanceId: string
  readonly survey: () => Promise<Survey>
  readonly stop: (attempt: RunningAttempt) => void
}

/**
 * Finds what carries this instance's id and belongs to no current attempt, twice in a row and for long enough, and ends it:
 * processes by their marker, directories by their name. Remembers what it has seen.
 */
export class Sweeper {
  readonly #place: SweepPlace
  #seenBefore: ReadonlySet<string> = new Set()

  constructor(place: SweepPlace) {
    this.#place = place
  }

  async sweep(
    isCurrent: (attemptId: string) => boolean,
    minAgeMs: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const survey = await this.#place.survey()
    const seen = new Set<string>()
    const due = (key: string, sinceMs: number) => {
      seen.add(key)
      return this.#seenBefore.has(key) && Date.now() - sinceMs >= minAgeMs
    }
    const stopped = await this.#sweepProcesses(survey, isCurrent, due)
    const removed = await this.#sweepDirectories(survey, isCurrent, due, signal)
    this.#seenBefore = seen
    return [...stopped, ...removed]
  }

  async #sweepProcesses(
    survey: Survey,
    isCurrent: (attemptId: string) => boolean,
    due: (key: string, sinceMs: number) => boolean,
  ): Promise<string[]> {
    const strays = Map.groupBy(
      survey.owned.filter((each) => survey.markers.has(each.pid)),
      (each) => survey.markers.get(each.pid)?.attemptId ?? '',
    )
    const said: string[] = []
    for (const [attemptId, processes] of strays) {
      if (isCurrent(attemptId)) continue
      const oldest = processes.reduce((a, b) => (b.startTime < a.startTime ? b : a))
      if (!due(attemptId, startedAt(oldest, bootTimeMs()))) continue
      const attempt = await this.#attemptOf(oldest, survey)
      if (attempt === null) continue
      this.#place.stop(attempt)
      const pids = processes.map((each) => each.pid).join(', ')
      said.push(`processes ${pids} of cluster ${attempt.clusterName}, attempt ${attemptId}`)
    }
    return said
  }

  /** What a stray belongs to by the word of its claim; its marker alone proves nothing. */
  async #attemptOf(stray: OwnedProcess, survey: Survey): Promise<RunningAttempt | null> {
    const marker = survey.markers.get(stray.pid)
    if (marker === undefined || !isPlainName(marker.clusterName)) return null
    const { attemptId, clusterName } = marker
    if (!isPlainName(attemptId)) return null
    const handle = await findAttempt(this.#directory(clusterName), attemptId, async () => survey)
    return typeof handle === 'string' ? null : { attemptId, clusterName, handle }
  }

  #directory(clusterName: string): ClusterDirectory {
    return clusterDirectory(this.#place.root, this.#place.instanceId, clusterName)
  }

  async #sweepDirectories(
    survey: Survey,
    isCurrent: (attemptId: string) => boolean,
    due: (key: string, sinceMs: number) => boolean,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { root, instanceId } = this.#place
    const prefix = directoryPrefix(instanceId)
    const inUse = new Set([...survey.markers.values()].map((marker) => marker.clusterName))
    const said: string[] = []
    for (const name of await readdir(root)) {
      const clusterName = name.slice(prefix.length)
      if (!name.startsWith(prefix) || !isPlainName(clusterName)) continue
      const directory = this.#directory(clusterName)
      const attempts = await readdir(directory.claims).catch(() => [])
      if (inUse.has(clusterName) || attempts.some(isCurrent)) continue
      const changed = Math.max(
        ...(await Promise.all(
          [directory.path, directory.claims].map((path) =>
            stat(path).then(
              (info) => info.mtimeMs,
              () => 0,
            ),
          ),
        )),
      )
      if (!due(join(root, name), changed)) continue
      await removeDirectory(directory, signal)
      said.push(`directory ${directory.path}`)
    }
    return said
  }
}

function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9]+$/.test(text)
}

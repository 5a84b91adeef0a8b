import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  bootTimeMs,
  type ProcessIdentity,
  type ProcessRecord,
  startedAt,
} from '../../util/index.ts'
import type { Account } from './account.ts'
import { clusterDirectory, directoryPrefix, removeDirectory } from './cluster-directory.ts'
import type { Survey } from './survey.ts'

export interface SweepPlace {
  readonly root: string
  readonly instanceId: string
  readonly account: Account
  readonly survey: () => Promise<Survey>
  readonly stop: (attemptId: string, leader: ProcessIdentity) => void
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
    const stopped = this.#sweepProcesses(survey, isCurrent, due)
    const removed = await this.#sweepDirectories(survey, isCurrent, due, signal)
    this.#seenBefore = seen
    return [...stopped, ...removed]
  }

  #sweepProcesses(
    survey: Survey,
    isCurrent: (attemptId: string) => boolean,
    due: (key: string, sinceMs: number) => boolean,
  ): string[] {
    const strays = new Map<string, ProcessRecord[]>()
    for (const each of survey.owned) {
      const attemptId = survey.markers.get(each.pid)?.attemptId
      if (attemptId === undefined || isCurrent(attemptId)) continue
      strays.set(attemptId, [...(strays.get(attemptId) ?? []), each])
    }
    const said: string[] = []
    for (const [attemptId, processes] of strays) {
      const oldest = processes.reduce((a, b) => (b.startTime < a.startTime ? b : a))
      if (!due(attemptId, startedAt(oldest, bootTimeMs()))) continue
      this.#place.stop(attemptId, oldest)
      const clusterName = survey.markers.get(oldest.pid)?.clusterName
      const pids = processes.map((each) => each.pid).join(', ')
      said.push(`processes ${pids} of cluster ${clusterName}, attempt ${attemptId}`)
    }
    return said
  }

  async #sweepDirectories(
    survey: Survey,
    isCurrent: (attemptId: string) => boolean,
    due: (key: string, sinceMs: number) => boolean,
    signal: AbortSignal,
  ): Promise<string[]> {
    const { root, instanceId, account } = this.#place
    const prefix = directoryPrefix(instanceId)
    const inUse = new Set([...survey.markers.values()].map((marker) => marker.clusterName))
    const said: string[] = []
    for (const name of await readdir(root)) {
      const clusterName = name.slice(prefix.length)
      if (!name.startsWith(prefix) || !/^[A-Za-z0-9]+$/.test(clusterName)) continue
      const directory = clusterDirectory(root, instanceId, clusterName, account)
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
      await removeDirectory(directory, account, signal)
      said.push(`directory ${directory.path}`)
    }
    return said
  }
}

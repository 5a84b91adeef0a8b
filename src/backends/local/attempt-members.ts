import { type ProcessRecord, sameProcess } from '../../util/index.ts'
import { isRoot } from './accounts.ts'
import { type ProcessHandle, readExit } from './claims.ts'
import type { ClusterDirectory } from './cluster-directory.ts'
import { processesWith } from './processes-with.ts'
import { markerText, markerVariable, membersOf, type Survey } from './survey.ts'

/** A supervisor and what it supervises. */
export interface RunningAttempt {
  readonly attemptId: string
  readonly clusterName: string
  readonly handle: ProcessHandle
}

/** What lives of an attempt; `known`: what was found before. */
export type FindMembers = (
  attempt: RunningAttempt,
  known: readonly ProcessRecord[],
) => Promise<readonly ProcessRecord[]>

/**
 * Finds what lives of attempts. While a supervisor lives, all that its command started is below it. When it was killed
 * before it could write down how the command ended, the marker that is left in its processes' environment tells, for
 * processes of the recorded account alone.
 */
export function memberFinder(
  instanceId: string,
  survey: () => Promise<Survey>,
  directoryOf: (clusterName: string) => ClusterDirectory,
): FindMembers {
  return async ({ attemptId, clusterName, handle }, known) => {
    const seen = await survey()
    const ofAccount = seen.owned.filter((each) => each.uid === handle.uid).map((each) => each.pid)
    const isLost = async () =>
      !seen.owned.some((each) => sameProcess(each, handle)) &&
      (await readExit(directoryOf(clusterName), attemptId)) === null
    const marker = `${markerVariable}=${markerText({ instanceId, attemptId, clusterName })}`
    const marked =
      isRoot() && (await isLost())
        ? await processesWith(marker, 'environ', ofAccount, handle)
        : new Set(ofAccount.filter((pid) => seen.markers.get(pid)?.attemptId === attemptId))
    return membersOf(seen, handle, marked, known)
  }
}

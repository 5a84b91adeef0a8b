import { GatewayError, type StartOutcome } from '../../core/index.ts'
import { isRoot } from './accounts.ts'
import { fence, handleJson, handleOf, type ProcessHandle, readClaim } from './claims.ts'
import { type ClusterDirectory, logTail } from './cluster-directory.ts'
import { lastLine } from './exit-reason.ts'
import type { Survey } from './survey.ts'

/** What an attempt's claim means for a start: it is there when the attempt has begun or was given up. null: no claim. */
export async function begunBefore(
  directory: ClusterDirectory,
  attemptId: string,
): Promise<StartOutcome | null> {
  const claim = await readClaim(directory, attemptId)
  switch (claim.state) {
    case 'none':
      return null
    case 'held':
      return { outcome: 'started', handle: handleJson(claim.handle) }
    case 'fenced':
      return { outcome: 'refused', reason: 'this attempt was given up before' }
    case 'empty':
      throw new GatewayError('unavailable', `attempt ${attemptId} is about to start`)
  }
}

/** The outcome when a process ended without having made the claim. */
export async function notClaimed(
  directory: ClusterDirectory,
  attemptId: string,
  workerName: string | null,
): Promise<StartOutcome> {
  const begun = await begunBefore(directory, attemptId)
  if (begun !== null) return begun
  const line = lastLine(await logTail(directory, workerName, 4096))
  const words = line === null ? '' : `: ${line}`
  return { outcome: 'refused', reason: `no process could be started in its directory${words}` }
}

/** What became of an attempt. After 'absent' it can never start any more. */
export async function findAttempt(
  directory: ClusterDirectory,
  attemptId: string,
  survey: () => Promise<Survey>,
): Promise<ProcessHandle | 'absent' | 'unknown'> {
  const claim = await fence(directory, attemptId)
  if (claim.state === 'held') return claim.handle
  if (claim.state === 'fenced') return 'absent'
  // No directory, or a claim that its maker had no time to fill: the processes tell.
  const { markers, owned } = await survey()
  const [oldest] = owned
    .filter((each) => markers.get(each.pid)?.attemptId === attemptId)
    .toSorted((a, b) => a.startTime - b.startTime)
  if (oldest === undefined) return 'absent'
  if (claim.state === 'empty') return 'unknown'
  // What is root's and has the marker may be anything that a user could start; a supervisor there has its claim.
  return isRoot() ? 'absent' : handleOf(oldest, { uid: oldest.uid, gid: process.getgid?.() ?? 0 })
}

import type { ObjectRef, Observation } from '../../core/index.ts'
import { bootId, bootTimeMs, readProcess, sameProcess, startedAt } from '../../util/index.ts'
import type { FindMembers, RunningAttempt } from './attempt-members.ts'
import { exitTime, type ProcessHandle, parseHandle, readExit } from './claims.ts'
import { type ClusterDirectory, logTail } from './cluster-directory.ts'
import { type Exit, exitReason, lastLine } from './exit-reason.ts'

/** A process that this gateway process started itself, so that it is told how it ended. */
export interface Child {
  exit: Exit | null
}

export interface Observer {
  readonly members: FindMembers
  readonly stop: (attempt: RunningAttempt) => void
  readonly directoryOf: (clusterName: string) => ClusterDirectory
  readonly childOf: (attemptId: string) => Child | null
}

type Ended = RunningAttempt & ObjectRef

/** What is seen of each, by attempt id. One whose process has ended is gone when what it left behind is, which is stopped. */
export async function observeAttempts(
  refs: readonly ObjectRef[],
  observer: Observer,
): Promise<ReadonlyMap<string, Observation>> {
  const seen = new Map<string, Observation>()
  const boot = bootId()
  const bootMs = bootTimeMs()
  const ended: Ended[] = []
  for (const ref of refs) {
    if (ref.handle === null) continue
    const handle = parseHandle(ref.handle)
    if (handle === null)
      seen.set(ref.attemptId, { state: 'unknown', reason: 'its record names no process' })
    else if (handle.bootId !== boot) {
      // At the latest then.
      const end = { since: null, at: bootMs }
      seen.set(ref.attemptId, { ...(await gone(ref, false, observer)), ...end })
    } else if (hasEnded(handle, observer.childOf(ref.attemptId)))
      ended.push({ ...ref, handle: { ...handle } })
    else seen.set(ref.attemptId, running(handle, bootMs))
  }
  const lookAfter = async (attempt: Ended) => {
    const left = await observer.members(attempt, [])
    if (left.length === 0) {
      const since = startedAt(attempt.handle, bootMs)
      const at = await exitTime(observer.directoryOf(attempt.clusterName), attempt.attemptId)
      return seen.set(attempt.attemptId, { ...(await gone(attempt, true, observer)), since, at })
    }
    observer.stop(attempt)
    return seen.set(attempt.attemptId, running(attempt.handle, bootMs))
  }
  // At once, as they then share a look at all processes.
  await Promise.all(ended.map(lookAfter))
  return seen
}

/** A child has ended when Node has said how; another's process when the system no longer knows it. */
function hasEnded(handle: ProcessHandle, child: Child | null): boolean {
  if (child !== null) return child.exit !== null
  const now = readProcess(handle.pid)
  return now === null || now.ended || !sameProcess(now, handle)
}

async function gone(
  ref: ObjectRef,
  sameBoot: boolean,
  { directoryOf, childOf }: Observer,
): Promise<Extract<Observation, { state: 'gone' }>> {
  const directory = directoryOf(ref.clusterName)
  const exit = (await readExit(directory, ref.attemptId)) ?? childOf(ref.attemptId)?.exit ?? null
  if (exit !== null) return { state: 'gone', reason: exitReason(exit), exitCode: exit.code }
  if (!sameBoot)
    return { state: 'gone', reason: 'ended when the machine restarted', exitCode: null }
  const log = await logTail(directory, ref.workerName, 4096)
  const line = lastLine(log)
  const words = line === null ? '' : `; the last line of its log: ${line}`
  const reason = `ended; how is not known, as its supervisor was killed${words}`
  return { state: 'gone', reason, exitCode: null }
}

function running(handle: ProcessHandle, bootMs: number): Observation {
  return { state: 'running', since: startedAt(handle, bootMs), nodeAddresses: [] }
}

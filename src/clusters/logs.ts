import type { ObjectRef } from '../core/index.ts'
import { type Entry, objectRefs } from './records.ts'
import type { StepContext } from './step-context.ts'

/** What the archive keeps of a log. */
const keptLogBytes = 1 << 20
const tailBytes = 16 << 10
const logTailLines = 20

/** The last lines of the scheduler's log, for its owner; none when it cannot be read now. */
export async function logTail(context: StepContext, entry: Entry): Promise<readonly string[]> {
  const ref = objectRefs(entry).find((each) => each.workerName === null)
  if (ref === undefined || ref.handle === null) return []
  try {
    const log = await context.backend.logs(entry.cluster, ref, tailBytes, context.signal())
    return lastLines(log)
  } catch (error) {
    context.logger.warn('A log could not be read', { cluster: entry.cluster.name, error })
    return []
  }
}

export function lastLines(log: Buffer | null): readonly string[] {
  const end = log?.subarray(-tailBytes).toString('utf8').trimEnd() ?? ''
  return end === '' ? [] : end.split('\n').slice(-logTailLines)
}

/** Keeps the end of a log that is about to be removed; null: there is none. A log that cannot be read holds nothing up. */
export async function keepLog(
  context: StepContext,
  entry: Entry,
  ref: ObjectRef,
): Promise<Buffer | null> {
  const { backend, logArchive, logger } = context
  try {
    const log = await backend.logs(entry.cluster, ref, keptLogBytes, context.signal())
    if (log !== null) await logArchive.put(ref.clusterName, ref.workerName ?? 'scheduler', log)
    return log
  } catch (error) {
    logger.warn('A log could not be kept', { cluster: ref.clusterName, error })
    return null
  }
}

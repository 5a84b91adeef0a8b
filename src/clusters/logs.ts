import type { ObjectRef } from '../core/index.ts'
import { type Entry, objectRefs } from './records.ts'
import type { StepContext } from './step-context.ts'

/** What the archive keeps of a log. */
const keptLogBytes = 1 << 20
const logTailLines = 20

/** The last lines of the scheduler's log, for its owner; none when it cannot be read now. */
export async function logTail(context: StepContext, entry: Entry): Promise<readonly string[]> {
  const ref = objectRefs(entry).find((each) => each.workerName === null)
  if (ref === undefined || ref.handle === null) return []
  try {
    const log = await context.backend.logs(entry.cluster, ref, 16 << 10, context.signal())
    return (log?.toString('utf8') ?? '').trimEnd().split('\n').slice(-logTailLines)
  } catch (error) {
    context.logger.warn('A log could not be read', { cluster: entry.cluster.name, error })
    return []
  }
}

/** Keeps the end of a log that is about to be removed; a log that cannot be read holds nothing up. */
export async function keepLog(context: StepContext, entry: Entry, ref: ObjectRef): Promise<void> {
  const { backend, logArchive, logger } = context
  try {
    const log = await backend.logs(entry.cluster, ref, keptLogBytes, context.signal())
    if (log !== null) await logArchive.put(ref.clusterName, ref.workerName ?? 'scheduler', log)
  } catch (error) {
    logger.warn('A log could not be kept', { cluster: ref.clusterName, error })
  }
}

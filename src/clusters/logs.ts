import type { Backend, ObjectRef } from '../core/index.ts'
import { type Entry, objectRefs } from './records.ts'
import type { StepContext } from './step-context.ts'

/** What the archive keeps of a log. */
export const keptLogBytes = 1 << 20
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
    const piece = await lastPiece(backend, entry, ref, context.signal())
    if (piece === null) return null
    const name = ref.workerName ?? 'scheduler'
    await logArchive.put(ref.clusterName, name, piece.bytes)
    if (piece.from !== null) entry.logEnds.set(name, piece.from + piece.bytes.length)
    return piece.bytes
  } catch (error) {
    logger.warn('A log could not be kept', { cluster: ref.clusterName, error })
    return null
  }
}

async function lastPiece(
  backend: Backend,
  { cluster }: Entry,
  ref: ObjectRef,
  signal: AbortSignal,
) {
  if (backend.logPiece !== undefined)
    return backend.logPiece(cluster, ref, null, keptLogBytes, signal)
  const bytes = await backend.logs(cluster, ref, keptLogBytes, signal)
  // Only of a whole log it is known where it begins.
  return bytes === null ? null : { from: bytes.length < keptLogBytes ? 0 : null, bytes }
}

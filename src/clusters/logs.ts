import type { Backend, Cluster, ObjectRef } from '../core/index.ts'
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

/** Keeps the ends of logs that are about to be removed, and tells `read` of each. One that cannot be read holds nothing up. */
export async function keepLogs(
  context: StepContext,
  entry: Entry,
  refs: readonly ObjectRef[],
  read: (ref: ObjectRef, bytes: Buffer) => void = () => undefined,
): Promise<void> {
  const { logArchive, logger } = context
  const { name: clusterName } = entry.cluster
  const byAttempt = new Map(refs.map((ref) => [ref.attemptId, ref]))
  try {
    for await (const [attemptId, { from, bytes }] of lastPieces(context, entry, refs)) {
      const ref = byAttempt.get(attemptId)
      if (ref === undefined) continue
      read(ref, bytes)
      const name = ref.workerName ?? 'scheduler'
      await logArchive.put(clusterName, name, bytes)
      if (from !== null) entry.logEnds.set(name, from + bytes.length)
    }
  } catch (error) {
    logger.warn('Logs could not be kept', { cluster: clusterName, error })
  }
}

/** `from` null: not known. */
interface Piece {
  readonly from: number | null
  readonly bytes: Buffer
}

/** Each may be a call outside. */
const atOnce = 4

async function* lastPieces(
  { backend, logger, signal }: StepContext,
  { cluster }: Entry,
  refs: readonly ObjectRef[],
): AsyncGenerator<readonly [attemptId: string, piece: Piece]> {
  if (refs.length > 0 && backend.lastPieces !== undefined)
    return yield* backend.lastPieces(cluster, refs, keptLogBytes, signal())
  for (let at = 0; at < refs.length; at += atOnce) {
    const pieces = refs.slice(at, at + atOnce).map(async (ref) => {
      try {
        return [ref.attemptId, await lastPiece(backend, cluster, ref, signal())] as const
      } catch (error) {
        logger.warn('A log could not be read', { cluster: cluster.name, error })
        return [ref.attemptId, null] as const
      }
    })
    for (const [attemptId, piece] of await Promise.all(pieces))
      if (piece !== null) yield [attemptId, piece]
  }
}

async function lastPiece(
  backend: Backend,
  cluster: Cluster,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Piece | null> {
  if (backend.logPiece !== undefined)
    return backend.logPiece(cluster, ref, null, keptLogBytes, signal)
  const bytes = await backend.logs(cluster, ref, keptLogBytes, signal)
  // Only of a whole log it is known where it begins.
  return bytes === null ? null : { from: bytes.length < keptLogBytes ? 0 : null, bytes }
}

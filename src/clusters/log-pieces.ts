import {
  type Backend,
  GatewayError,
  type LogArchive,
  type LogPiece,
  type ObjectRef,
  type User,
} from '../core/index.ts'
import type { FollowedLog } from './cluster-service.ts'
import { keptLogBytes } from './logs.ts'
import { type Entry, objectRefs } from './records.ts'

export interface LogPiecesParts {
  readonly backend: Backend
  readonly logArchive: LogArchive
  readonly ownEntry: (user: User, name: string) => Entry
}

const limitMs = 20_000
/** What is asked of a backend that gives only the ends of logs. */
const wholeLogBytes = 4 << 20
const nothing = Buffer.alloc(0)

/** Reads logs piece by piece, from the backend while an object is there, else from the archive. */
export function createLogPieces(parts: LogPiecesParts) {
  // All who follow a log ask for the same piece at the same moment: it is read once for all of them.
  const reading = new Map<string, Promise<FollowedLog>>()

  return (
    user: User,
    name: string,
    workerName: string | null,
    from: number | null,
    maxBytes: number,
  ): Promise<FollowedLog> => {
    const entry = parts.ownEntry(user, name)
    const key = JSON.stringify([name, workerName, from, maxBytes])
    const asked = reading.get(key)
    if (asked !== undefined) return asked
    const read = pieceOf(parts, entry, workerName, from, maxBytes)
    reading.set(key, read)
    const done = () => reading.delete(key)
    read.then(done, done)
    return read
  }
}

async function pieceOf(
  parts: LogPiecesParts,
  entry: Entry,
  workerName: string | null,
  from: number | null,
  maxBytes: number,
): Promise<FollowedLog> {
  if (workerName !== null && !entry.workers.has(workerName))
    throw new GatewayError('not-found', `Cluster ${entry.cluster.name} has no worker ${workerName}`)
  const ref = objectRefs(entry).find((each) => each.workerName === workerName)
  if (ref === undefined)
    // One that has not begun has no attempt; one that has ended keeps it.
    return hasBegun(entry, workerName)
      ? archivedPiece(parts, entry, workerName ?? 'scheduler', from, maxBytes)
      : { from: from ?? 0, bytes: nothing, isOver: false }
  const piece =
    ref.handle === null ? null : await livePiece(parts.backend, entry, ref, from, maxBytes)
  return { from: piece?.from ?? from ?? 0, bytes: piece?.bytes ?? nothing, isOver: false }
}

function hasBegun({ cluster, workers }: Entry, workerName: string | null): boolean {
  const { attempt, status } = (workerName === null ? null : workers.get(workerName)) ?? cluster
  return attempt !== null || status === 'stopped' || status === 'failed'
}

async function livePiece(
  backend: Backend,
  { cluster }: Entry,
  ref: ObjectRef,
  from: number | null,
  maxBytes: number,
): Promise<LogPiece | null> {
  const signal = AbortSignal.timeout(limitMs)
  if (backend.logPiece !== undefined) return backend.logPiece(cluster, ref, from, maxBytes, signal)
  const log = await backend.logs(cluster, ref, wholeLogBytes, signal)
  if (log === null) return null
  // Where a longer one ends cannot be told, so it is not followed any more.
  if (log.length === wholeLogBytes && from !== null) return { from, bytes: nothing }
  return pieceAt(log, 0, from, maxBytes)
}

/**
 * What was kept of a log that has ended. Of a long one that another run of the gateway kept it is not known where it
 * begins: then only whoever asks for its end gets some of it.
 */
async function archivedPiece(
  { logArchive }: LogPiecesParts,
  { cluster, logEnds }: Entry,
  objectName: string,
  from: number | null,
  maxBytes: number,
): Promise<FollowedLog> {
  const log = await logArchive.get(cluster.name, objectName, keptLogBytes)
  if (log === null) return { from: from ?? 0, bytes: nothing, isOver: true }
  const known = logEnds.get(objectName) ?? (log.length < keptLogBytes ? log.length : null)
  if (known === null && from !== null) return { from, bytes: nothing, isOver: true }
  const begin = (known ?? log.length) - log.length
  const piece = pieceAt(log, begin, from, maxBytes)
  return { ...piece, isOver: piece.from + piece.bytes.length >= begin + log.length }
}

/** From `from` on, of a log of which only what follows `begin` is there. */
function pieceAt(log: Buffer, begin: number, from: number | null, maxBytes: number): LogPiece {
  const end = begin + log.length
  const start = Math.max(begin, from === null || from > end ? end - maxBytes : from)
  return { from: start, bytes: log.subarray(start - begin, start - begin + maxBytes) }
}

import { type Cluster, GatewayError, type LogPiece, type ObjectRef } from '../../core/index.ts'
import { lookUpAccount } from '../account.ts'
import { parseHandle } from './job-handle.ts'
import type { CallLauncher } from './launcher-call.ts'
import { stagingOf } from './staging.ts'

/** The last bytes of a job's log; null: there is none (yet, or any more). */
export async function endOfLog(
  call: CallLauncher,
  cluster: Cluster,
  ref: ObjectRef,
  maxBytes: number,
  signal: AbortSignal,
): Promise<LogPiece | null> {
  const handle = parseHandle(ref.handle)
  if (handle === null) return null
  const account = await lookUpAccount(cluster.username, signal)
  if ('refused' in account) return null
  const staging = stagingOf(cluster, account)
  const request = { verb: 'log', staging, file: handle.log, maxBytes } as const
  const reply = await call(account, request, signal)
  // A directory that is gone, or is no longer as it was, holds no log for us.
  if (!reply.ok && reply.code === 'staging') return null
  if (!reply.ok) throw new GatewayError('upstream', reply.error)
  if (!reply.found) return null
  const bytes = Buffer.from(reply.base64, 'base64').subarray(0, maxBytes)
  return { from: Math.max(0, reply.sizeBytes - bytes.length), bytes }
}

/** The launcher reads ends of logs only: what lies before this one is skipped. */
export function pieceFrom(end: LogPiece, from: number): LogPiece {
  if (from <= end.from || from > end.from + end.bytes.length) return end
  return { from, bytes: end.bytes.subarray(from - end.from) }
}

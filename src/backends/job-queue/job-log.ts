import { type Cluster, GatewayError, type LogPiece, type ObjectRef } from '../../core/index.ts'
import { limits } from '../../launcher/index.ts'
import { lookUpAccount } from '../account.ts'
import { parseHandle } from './job-handle.ts'
import type { CallLauncher } from './launcher-call.ts'
import { stagingOf } from './staging.ts'

/**
 * The last bytes of jobs' logs, by attempt; one that has none (yet, or any more) is left out. Each call of the launcher brings as many as
 * it has room for.
 */
export async function* endsOfLogs(
  call: CallLauncher,
  cluster: Cluster,
  refs: readonly ObjectRef[],
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<readonly [attemptId: string, end: LogPiece]> {
  let asked = refs.flatMap(({ attemptId, handle }) => {
    const file = parseHandle(handle)?.log
    return file === undefined ? [] : [{ attemptId, file }]
  })
  if (asked.length === 0) return
  const account = await lookUpAccount(cluster.username, signal)
  if ('refused' in account) return
  const staging = stagingOf(cluster, account)
  while (asked.length > 0) {
    const files = asked.slice(0, limits.logs).map(({ file }) => file)
    const request = { verb: 'log', staging, files, maxBytes } as const
    const reply = await call<'log'>(account, request, signal)
    // A directory that is gone, or is no longer as it was, holds no log for us.
    if (!reply.ok && reply.code === 'staging') return
    if (!reply.ok) throw new GatewayError('upstream', reply.error)
    for (const [index, log] of reply.logs.entries()) {
      const attemptId = asked[index]?.attemptId
      if (attemptId === undefined || !log.found) continue
      const bytes = Buffer.from(log.base64, 'base64').subarray(0, maxBytes)
      yield [attemptId, { from: Math.max(0, log.sizeBytes - bytes.length), bytes }]
    }
    asked = asked.slice(reply.logs.length)
  }
}

/** null: it has none. */
export async function endOfLog(
  call: CallLauncher,
  cluster: Cluster,
  ref: ObjectRef,
  maxBytes: number,
  signal: AbortSignal,
): Promise<LogPiece | null> {
  for await (const [, end] of endsOfLogs(call, cluster, [ref], maxBytes, signal)) return end
  return null
}

/** The launcher reads ends of logs only: what lies before this one is skipped. */
export function pieceFrom(end: LogPiece, from: number): LogPiece {
  if (from <= end.from || from > end.from + end.bytes.length) return end
  return { from, bytes: end.bytes.subarray(from - end.from) }
}

import type { Event, FollowOptions, LogPiece } from '../src/index.ts'
import { linesOf } from '../src/index.ts'
import type { Context } from './context.ts'
import type { Output } from './output.ts'
import { timeOf } from './words.ts'

/** For whatever is followed: ends at Ctrl-C, and says when the gateway is away and when it is back. */
export function followOptions({
  output,
  signal,
}: Pick<Context, 'output' | 'signal'>): FollowOptions {
  let isAway = false
  return {
    signal,
    onInterruption(error) {
      if (error !== null && !isAway)
        output.notice(`The connection broke off: ${error.message}; trying again`)
      if (error === null && isAway) output.notice('Connected again')
      isAway = error !== null
    },
  }
}

export function printEvent(output: Output, event: Event): void {
  if (output.isJson) {
    output.jsonLine(event)
    return
  }
  const who = event.worker === null ? '' : ` [worker ${event.worker.slice(0, 8)}]`
  output.line(`${timeOf(event.time)}  ${event.kind}${who}  ${event.message}`)
  const { log_tail: log } = event.details
  if (Array.isArray(log)) for (const line of log) output.line(`    ${String(line)}`)
}

export async function printLog(output: Output, pieces: AsyncIterable<LogPiece>): Promise<void> {
  if (output.isJson) for await (const piece of pieces) output.jsonLine(piece)
  else for await (const line of linesOf(pieces)) output.text(`${line}\n`)
}

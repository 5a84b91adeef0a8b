import type { LogPiece } from './types.ts'

/** Longer lines come in parts. */
const maxLineLength = 64 * 1024

/** The lines of a followed log, without their ends. */
export async function* linesOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<string> {
  let rest = ''
  for await (const { text } of pieces) {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
    for (; rest.length > maxLineLength; rest = rest.slice(maxLineLength))
      yield rest.slice(0, maxLineLength)
  }
  if (rest !== '') yield rest
}

import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Logger } from '../core/index.ts'
import type { Place } from './python-child.ts'

/** Standard error of a Python child: it goes to the log, and the stacks that faulthandler writes are recognised. */
export interface PythonStderr {
  /** The last lines. */
  recent(): string
  /** Calls `late` when a stack has been written to its end, which is what Python does when a request is over time. */
  listen(late: (places: readonly Place[]) => void): {
    readonly places: readonly Place[]
    stop(): void
  }
}

const kept = 5

export function watchStderr(stream: Readable, logger: Logger): PythonStderr {
  const recent: string[] = []
  let listener: ((line: string) => void) | null = null
  createInterface({ input: stream }).on('line', (line) => {
    if (recent.push(line) > kept) recent.shift()
    if (line.trim() !== '') logger.info(line, { from: 'configuration' })
    listener?.(line)
  })
  return {
    recent: () => recent.join(' '),
    listen(late) {
      const places: Place[] = []
      let dumping = false
      listener = (line) => {
        if (line.startsWith('Timeout (')) dumping = true
        const match = /^ {2}File "(.+)", line (\d+) in (.+)$/.exec(line)
        if (!dumping || match === null) return
        const [, file = '', number, name] = match
        places.push({ file, line: Number(number) })
        // The outermost frame: evaluator.py itself is what the child was started with.
        if (file.endsWith('/evaluator.py') && name === '<module>') late(places)
      }
      return {
        places,
        stop: () => {
          listener = null
        },
      }
    },
  }
}

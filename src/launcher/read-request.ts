import { read } from 'node:fs'
import { LauncherFailure, systemCode, systemWords } from './failure.ts'
import { limits } from './protocol.ts'

const patienceMs = 60_000
const pauseMs = 5
let reads = 0

/** Whether a read of standard input has not come back, for which an ordinary exit of the process would wait. */
export function isReading(): boolean {
  return reads > 0
}

/** All of standard input. Who never closes it, or sends too much, is told so. */
export async function readRequest(): Promise<string> {
  const chunks: Buffer[] = []
  const lastMs = performance.now() + patienceMs
  let length = 0
  for (;;) {
    const chunk = await nextChunk(lastMs)
    if (chunk.length === 0) return Buffer.concat(chunks).toString('utf8')
    length += chunk.length
    if (length > limits.requestBytes)
      throw new LauncherFailure(
        'request',
        `The request is longer than ${limits.requestBytes} bytes`,
      )
    chunks.push(chunk)
  }
}

function nextChunk(lastMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new LauncherFailure('request', 'The request did not end; close the standard input'))
    const timer = setTimeout(late, Math.max(0, lastMs - performance.now()))
    const tryRead = () => {
      reads += 1
      read(0, Buffer.allocUnsafe(65_536), 0, 65_536, null, (error, bytesRead, buffer) => {
        reads -= 1
        // It may be shared with a process that wants it so.
        if (systemCode(error) === 'EAGAIN' && performance.now() < lastMs)
          return void setTimeout(tryRead, pauseMs)
        clearTimeout(timer)
        if (error === null) resolve(buffer.subarray(0, bytesRead))
        else
          reject(
            new LauncherFailure('request', `Standard input cannot be read: ${systemWords(error)}`),
          )
      })
    }
    tryRead()
  })
}

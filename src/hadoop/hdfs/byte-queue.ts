import type { HadoopError } from '../errors.ts'

/** Bytes that come when they come, and are taken by their number; by one taker at a time. */
export interface ByteQueue {
  push(bytes: Buffer): void
  /** The takers get this, now and later. */
  fail(error: HadoopError): void
  take(length: number): Promise<Buffer>
}

export function createByteQueue(): ByteQueue {
  let held: Buffer[] = []
  let length = 0
  let failure: HadoopError | null = null
  let waiting: { readonly length: number; readonly go: (error?: HadoopError) => void } | null = null

  const look = () => {
    if (waiting === null || (length < waiting.length && failure === null)) return
    const { go, length: wanted } = waiting
    waiting = null
    go(length < wanted ? (failure ?? undefined) : undefined)
  }
  return {
    push(bytes) {
      held.push(bytes)
      length += bytes.length
      look()
    },
    fail(error) {
      failure ??= error
      look()
    },
    async take(wanted) {
      await new Promise<void>((resolve, reject) => {
        waiting = {
          length: wanted,
          go: (error) => (error === undefined ? resolve() : reject(error)),
        }
        look()
      })
      const all = Buffer.concat(held, length)
      held = all.length > wanted ? [all.subarray(wanted)] : []
      length -= wanted
      return all.subarray(0, wanted)
    },
  }
}

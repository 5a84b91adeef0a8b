/** A stream of bytes, cut as its reader likes. */
export interface ByteSource {
  /** That many bytes; fewer only at the end, none when it is over. */
  take(length: number): Promise<Buffer>
  isAtEnd(): Promise<boolean>
}

export function byteSource(stream: AsyncIterable<Uint8Array>): ByteSource {
  const chunks = stream[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  let isOver = false

  const fill = async (length: number) => {
    const parts = [held]
    for (let have = held.length; have < length && !isOver; ) {
      const next = await chunks.next()
      if (next.done) isOver = true
      else {
        parts.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength))
        have += next.value.byteLength
      }
    }
    if (parts.length > 1) held = Buffer.concat(parts)
  }
  return {
    async take(length) {
      await fill(length)
      const taken = held.subarray(0, length)
      held = held.subarray(length)
      return taken
    },
    async isAtEnd() {
      await fill(1)
      return held.length === 0
    },
  }
}

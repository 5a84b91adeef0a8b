import type { Message } from './message.ts'
import { createReader, malformed, type Reader } from './reader.ts'
import { createWriter } from './writer.ts'

// delimited := varint length, message

/** Messages one behind the other, each with its length before it. */
export function delimited(...messages: readonly Uint8Array[]): Buffer {
  const out = createWriter()
  for (const each of messages) {
    out.varint(each.length)
    out.bytes(each)
  }
  return out.finish()
}

export interface DelimitedReader {
  next<T>(type: Message<T>): T
  readonly isAtEnd: boolean
}

export function readDelimited(bytes: Buffer): DelimitedReader {
  const from: Reader = createReader(bytes)
  return {
    next<T>(type: Message<T>): T {
      const value = type.read(from)
      if (value === undefined) throw malformed('it is empty')
      return value
    },
    get isAtEnd() {
      return from.isAtEnd
    },
  }
}

import { HadoopError } from '../errors.ts'

/** How many messages and list elements one answer may hold: what they take in memory is many times their bytes. */
const maxElements = 1_000_000

/**
 * Reads bytes from others. Every read that would pass the end throws, none is longer than the input, and `element` bounds what
 * is built of it.
 */
export interface Reader {
  readonly isAtEnd: boolean
  varint(): bigint
  /** A varint as a number: exact up to 2^53, rounded above. */
  number(): number
  bytes(length: number): Buffer
  fixed32(): number
  fixed64(): bigint
  /** Counts one message or list element. */
  element(): void
  /** A reader of the next `length` bytes, which are passed over here. */
  part(length: number): Reader
}

export function createReader(buffer: Buffer): Reader {
  return readerOf(buffer, { elements: 0 })
}

function readerOf(buffer: Buffer, counted: { elements: number }): Reader {
  let at = 0
  const bytes = (length: number): Buffer => {
    if (length > buffer.length - at) throw malformed('it is cut off')
    at += length
    return buffer.subarray(at - length, at)
  }
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[at]
      if (byte === undefined) throw malformed('it is cut off')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw malformed('a number has more than ten bytes')
  }
  return {
    get isAtEnd() {
      return at === buffer.length
    },
    varint,
    number() {
      // Nearly all numbers are short.
      let value = 0
      for (let shift = 0; shift < 28; shift += 7) {
        const byte = buffer[at + shift / 7]
        if (byte === undefined) throw malformed('it is cut off')
        value |= (byte & 0x7f) << shift
        if (byte < 0x80) {
          at += shift / 7 + 1
          return value
        }
      }
      return Number(varint())
    },
    bytes,
    fixed32: () => bytes(4).readInt32LE(),
    fixed64: () => bytes(8).readBigInt64LE(),
    element() {
      counted.elements += 1
      if (counted.elements > maxElements) throw malformed(`it has more than ${maxElements} parts`)
    },
    part: (length) => readerOf(bytes(length), counted),
  }
}

export function malformed(why: string): HadoopError {
  return new HadoopError('protocol', `a message of Hadoop cannot be read: ${why}`)
}

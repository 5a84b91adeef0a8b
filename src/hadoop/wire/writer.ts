/** Bytes that grow at the end. */
export interface Writer {
  /** An unsigned integer below 2^64, 7 bits a byte, the lowest first, the top bit set on all but the last. */
  varint(value: number | bigint): void
  bytes(value: Uint8Array): void
  fixed32(value: number): void
  fixed64(value: bigint): void
  /** All that was written; the writer is not used again. */
  finish(): Buffer
}

export function createWriter(): Writer {
  let buffer = Buffer.allocUnsafe(128)
  let length = 0
  const room = (bytes: number) => {
    if (length + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes))
    buffer.copy(larger, 0, 0, length)
    buffer = larger
  }
  return {
    varint(value) {
      room(10)
      if (typeof value === 'number' && value >= 0 && value < 0x80000000) {
        let rest = value
        while (rest >= 0x80) {
          buffer[length++] = (rest & 0x7f) | 0x80
          rest >>>= 7
        }
        buffer[length++] = rest
        return
      }
      let rest = BigInt.asUintN(64, BigInt(value))
      while (rest >= 0x80n) {
        buffer[length++] = Number(rest & 0x7fn) | 0x80
        rest >>= 7n
      }
      buffer[length++] = Number(rest)
    },
    bytes(value) {
      room(value.length)
      buffer.set(value, length)
      length += value.length
    },
    fixed32(value) {
      room(4)
      length = buffer.writeInt32LE(value | 0, length)
    },
    fixed64(value) {
      room(8)
      length = buffer.writeBigInt64LE(BigInt.asIntN(64, value), length)
    },
    finish: () => buffer.subarray(0, length),
  }
}

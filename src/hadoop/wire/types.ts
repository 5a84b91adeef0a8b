import { malformed, type Reader } from './reader.ts'
import type { Writer } from './writer.ts'

// Protocol Buffers, version 2 (protobuf.dev/programming-guides/encoding): a message is a series of fields, each
//
//     field := varint(number << 3 | wire type)  value
//     value := varint               (0)  integers, booleans, enums
//            | 8 bytes, low first   (1)
//            | varint length, bytes (2)  strings, bytes, messages; lists of numbers, if packed
//            | 4 bytes, low first   (5)
//
// in any order. Fields that a reader does not know are passed over.

export type WireType = 0 | 1 | 2 | 5

/** One kind of value: how it is written, without the field's number, and read. `read` gives undefined for what is to be passed over. */
export interface ValueType<T> {
  readonly wireType: WireType
  write(out: Writer, value: T): void
  read(from: Reader): T | undefined
}

/** int32, and uint32: Hadoop never goes beyond 2^31 with the latter but where its Java reads a negative number. */
export const int32: ValueType<number> = {
  wireType: 0,
  write: (out, value) => out.varint(value),
  read: (from) => Number(BigInt.asIntN(32, from.varint())),
}

/** int64 and uint64 that count or measure: exact up to 2^53, as the times, sizes and numbers of Hadoop are, rounded above. */
export const int64: ValueType<number> = {
  wireType: 0,
  write: (out, value) => out.varint(Number.isSafeInteger(value) ? value : BigInt(value)),
  read: (from) => Number(BigInt.asIntN(64, from.varint())),
}

/** int64 and uint64 that name something, exact: the ids of blocks. */
export const exactInt64: ValueType<bigint> = {
  wireType: 0,
  write: (out, value) => out.varint(value),
  read: (from) => BigInt.asIntN(64, from.varint()),
}

/** sint32 and sint64: 0, -1, 1, -2, … as 0, 1, 2, 3, … */
export const sint: ValueType<number> = {
  wireType: 0,
  write: (out, value) => out.varint(value < 0 ? -2 * value - 1 : 2 * value),
  read(from) {
    const value = from.varint()
    return Number((value >> 1n) ^ -(value & 1n))
  },
}

export const sfixed32: ValueType<number> = {
  wireType: 5,
  write: (out, value) => out.fixed32(value),
  read: (from) => from.fixed32(),
}

export const sfixed64: ValueType<number> = {
  wireType: 1,
  write: (out, value) => out.fixed64(BigInt(value)),
  read: (from) => Number(from.fixed64()),
}

const floats = new DataView(new ArrayBuffer(4))

export const float: ValueType<number> = {
  wireType: 5,
  write(out, value) {
    floats.setFloat32(0, value)
    out.fixed32(floats.getInt32(0))
  },
  read(from) {
    floats.setInt32(0, from.fixed32())
    return floats.getFloat32(0)
  },
}

export const bool: ValueType<boolean> = {
  wireType: 0,
  write: (out, value) => out.varint(value ? 1 : 0),
  read: (from) => from.varint() !== 0n,
}

export const bytes: ValueType<Uint8Array> = {
  wireType: 2,
  write(out, value) {
    out.varint(value.length)
    out.bytes(value)
  },
  // A copy: the frame around it is not kept alive by a token of a few bytes.
  read: (from) => Buffer.from(from.bytes(from.number())),
}

export const string: ValueType<string> = {
  wireType: 2,
  write: (out, value) => bytes.write(out, Buffer.from(value)),
  read: (from) => from.bytes(from.number()).toString('utf8'),
}

/** An enum by its names. A number that has none here came from a newer Hadoop, and is passed over as an unknown field is. */
export function enumeration<const T extends Readonly<Record<string, number>>>(
  numbers: T,
): ValueType<keyof T & string> {
  const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]))
  return {
    wireType: 0,
    write: (out, value) => out.varint(numbers[value] ?? 0),
    read: (from) => names.get(int32.read(from) ?? Number.NaN),
  }
}

/** Passes over a value of a field that nobody here knows. */
export function skip(from: Reader, wireType: number): void {
  if (wireType === 0) from.varint()
  else if (wireType === 1) from.bytes(8)
  else if (wireType === 2) from.bytes(from.number())
  else if (wireType === 5) from.bytes(4)
  else throw malformed(`there is no wire type ${wireType}`)
}

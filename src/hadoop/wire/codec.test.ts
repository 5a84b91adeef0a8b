import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HadoopError } from '../errors.ts'
import { delimited, readDelimited } from './delimited.ts'
import { message, optional, repeated, required } from './message.ts'
import {
  bool,
  bytes,
  enumeration,
  exactInt64,
  float,
  int32,
  int64,
  sfixed32,
  sfixed64,
  sint,
  string,
} from './types.ts'

const inner = message({ name: required(1, string) })
const all = message({
  small: optional(1, int32),
  large: optional(2, int64),
  exact: optional(3, exactInt64),
  zigzag: optional(4, sint),
  text: optional(5, string),
  data: optional(6, bytes),
  flag: optional(7, bool),
  color: optional(8, enumeration({ RED: 1, GREEN: 2 })),
  child: optional(9, inner),
  children: repeated(10, inner),
  numbers: repeated(11, int32),
  half: optional(12, float),
  low: optional(13, sfixed32),
  high: optional(14, sfixed64),
})

test('every kind of value comes back', () => {
  const value = {
    small: -7,
    large: 2 ** 52,
    exact: -(2n ** 62n),
    zigzag: -33,
    text: 'grüße',
    data: Buffer.from([0, 255]),
    flag: true,
    color: 'GREEN',
    child: { name: 'a' },
    children: [{ name: 'b' }, { name: '' }],
    numbers: [1, 300, 2 ** 31 - 1],
    half: 0.5,
    low: -2,
    high: 2 ** 40,
  } as const
  assert.deepEqual(all.decode(all.encode(value)), value)
  assert.deepEqual(all.decode(Buffer.alloc(0)), { children: [], numbers: [] })
})

// protobuf.dev/programming-guides/encoding: its own examples.
test('bytes are those of the specification', () => {
  assert.equal(all.encode({ small: 150 }).toString('hex'), '089601')
  const text = message({ b: optional(2, string) })
  assert.equal(text.encode({ b: 'testing' }).toString('hex'), '120774657374696e67')
  assert.equal(all.encode({ small: -2 }).toString('hex'), '08feffffffffffffffff01')
  const packed = message({ e: repeated(5, int32) })
  assert.deepEqual(packed.decode(Buffer.from('2a06038e029ea705', 'hex')), { e: [3, 270, 86942] })
  const zigzag = message({ z: optional(1, sint) })
  for (const [value, code] of [
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [-2, '03'],
  ] as const)
    assert.equal(zigzag.encode({ z: value }).toString('hex'), `08${code}`)
})

test('unknown fields, wire types of another version and unknown names of enums are passed over', () => {
  const unknown = Buffer.concat([
    Buffer.from('f80101fa010161f901', 'hex'),
    Buffer.alloc(8),
    Buffer.from('fd0100000000', 'hex'),
    Buffer.from('4009', 'hex'), // color 9
    Buffer.from('0d00000000', 'hex'), // small, as four bytes
    all.encode({ text: 'here' }),
  ])
  assert.deepEqual(all.decode(unknown), { text: 'here', children: [], numbers: [] })
})

test('what is no message is refused', () => {
  const bad = (hex: string) =>
    assert.throws(
      () => all.decode(Buffer.from(hex, 'hex')),
      (error) => error instanceof HadoopError && error.code === 'protocol',
      hex,
    )
  bad('08') // no value
  bad('08ffffffffffffffffffff01') // eleven bytes
  bad('2a05') // a text of five bytes that are not there
  bad('2affffffff0f') // of four gigabytes
  bad('2affffffffffffffffff01') // of 2^64 - 1
  bad('4a00') // a child without its name
  bad('0b') // a group, which protobuf has given up
  bad('0f') // wire type 7
})

test('a list does not grow without limit', () => {
  const empty = Buffer.from('5000', 'hex') // a children field of wire type 0: passed over
  assert.deepEqual(all.decode(empty), { children: [], numbers: [] })
  const many = Buffer.alloc(1_000_001, 1)
  const packed = Buffer.concat([Buffer.from([0x5a]), delimited(many)])
  assert.throws(() => all.decode(packed), /more than 1000000 parts/)
})

test('messages one behind the other', () => {
  const both = delimited(inner.encode({ name: 'x' }), all.encode({ small: 1 }))
  const reader = readDelimited(both)
  assert.deepEqual(reader.next(inner), { name: 'x' })
  assert.equal(reader.next(all).small, 1)
  assert.ok(reader.isAtEnd)
  assert.throws(() => reader.next(inner), /cut off/)
})

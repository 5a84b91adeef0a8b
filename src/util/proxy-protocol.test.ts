import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProxyHeader, encodeProxyHeader, proxySignature } from './proxy-protocol.ts'

const header = (versionAndCommand: number, family: number, body: Buffer) => {
  const head = Buffer.from([versionAndCommand, family, body.length >> 8, body.length & 255])
  return Buffer.concat([proxySignature, head, body])
}
const path = (text: string) => Buffer.concat([Buffer.from(text), Buffer.alloc(108 - text.length)])
const inet = Buffer.from('0a0000017f000001d4311f40', 'hex')

const ends = [
  { from: '10.0.0.1', to: '127.0.0.1', read: ['10.0.0.1', '127.0.0.1'], family: 'tcp4', bytes: 28 },
  {
    from: '::ffff:10.0.0.1',
    to: '::ffff:10.0.0.2',
    read: ['10.0.0.1', '10.0.0.2'],
    family: 'tcp4',
    bytes: 28,
  },
  { from: '2001:db8::1', to: '::1', read: ['2001:db8::1', '::1'], family: 'tcp6', bytes: 52 },
  { from: 'fe80::1%eth0', to: '::', read: ['fe80::1', '::'], family: 'tcp6', bytes: 52 },
  {
    from: '1:2:3:4:5:6:7:8',
    to: '64:ff9b::1.2.3.4',
    read: ['1:2:3:4:5:6:7:8', '64:ff9b::102:304'],
    family: 'tcp6',
    bytes: 52,
  },
  { from: '10.0.0.1', to: '::1', read: ['::ffff:10.0.0.1', '::1'], family: 'tcp6', bytes: 52 },
] as const

for (const { from, to, read, family, bytes } of ends)
  test(`${from} to ${to} is read as it was written, and not before all of it is there`, () => {
    const encoded = encodeProxyHeader({
      source: { address: from, port: 54321 },
      destination: { address: to, port: 8000 },
    })
    assert.equal(encoded.length, bytes)
    for (let length = 0; length < encoded.length; length++)
      assert.deepEqual(decodeProxyHeader(encoded.subarray(0, length)), { state: 'need-more' })
    assert.deepEqual(decodeProxyHeader(Buffer.concat([encoded, Buffer.from('GET /')])), {
      state: 'done',
      header: {
        command: 'proxy',
        source: { family, address: read[0], port: 54321 },
        destination: { family, address: read[1], port: 8000 },
      },
      rest: Buffer.from('GET /'),
    })
  })

test('what is no IP address is not written', () => {
  const end = { address: 'host.example', port: 1 }
  assert.throws(() => encodeProxyHeader({ source: end, destination: end }), TypeError)
})

const accepted = [
  { name: 'LOCAL', bytes: encodeProxyHeader(null), header: { command: 'local' } },
  {
    name: 'LOCAL with something to discard',
    bytes: header(0x20, 0xff, Buffer.alloc(7)),
    header: { command: 'local' },
  },
  {
    name: 'UNSPEC',
    bytes: header(0x21, 0, Buffer.alloc(3)),
    header: { command: 'proxy', source: null, destination: null },
  },
  {
    name: 'INET with TLVs',
    bytes: header(0x21, 0x11, Buffer.concat([inet, Buffer.from('0100026832e20000', 'hex')])),
    header: {
      command: 'proxy',
      source: { family: 'tcp4', address: '10.0.0.1', port: 54321 },
      destination: { family: 'tcp4', address: '127.0.0.1', port: 8000 },
    },
  },
  {
    name: 'UNIX',
    bytes: header(0x21, 0x31, Buffer.concat([path('/run/a'), path('\0b')])),
    header: {
      command: 'proxy',
      source: { family: 'unix', address: '/run/a', port: 0 },
      destination: { family: 'unix', address: '@b', port: 0 },
    },
  },
]
for (const { name, bytes, header } of accepted)
  test(`takes ${name}, whole only`, () => {
    for (let length = 0; length < bytes.length; length++)
      assert.deepEqual(decodeProxyHeader(bytes.subarray(0, length)), { state: 'need-more' })
    assert.deepEqual(decodeProxyHeader(bytes), { state: 'done', header, rest: Buffer.alloc(0) })
  })

const refused = [
  { name: 'HTTP', bytes: Buffer.from('G') },
  { name: 'version 1', bytes: Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n') },
  { name: 'a wrong signature', bytes: Buffer.from('0d0a0d0a000d0a515549540b', 'hex') },
  { name: 'version 3', bytes: header(0x31, 0x11, inet) },
  { name: 'an unknown command', bytes: header(0x22, 0x11, inet) },
  { name: 'datagrams', bytes: header(0x21, 0x12, inet) },
  { name: 'an unknown family', bytes: header(0x21, 0x41, inet) },
  { name: 'too short for INET', bytes: header(0x21, 0x11, inet.subarray(1)) },
  { name: 'too short for INET6', bytes: header(0x21, 0x21, inet) },
  { name: 'too short for UNIX', bytes: header(0x21, 0x31, Buffer.alloc(215)) },
  {
    name: 'a path after its end',
    bytes: header(0x21, 0x31, Buffer.concat([path('a\0b'), path('c')])),
  },
  {
    name: 'a cut TLV',
    bytes: header(0x21, 0x11, Buffer.concat([inet, Buffer.from('0100', 'hex')])),
  },
  {
    name: 'a TLV longer than the rest',
    bytes: header(0x21, 0x11, Buffer.concat([inet, Buffer.from('01000268', 'hex')])),
  },
  { name: 'too much', bytes: header(0x21, 0x11, Buffer.alloc(2049)).subarray(0, 16) },
]
for (const { name, bytes } of refused)
  test(`refuses ${name}`, () => assert.equal(decodeProxyHeader(bytes).state, 'error'))

test('refuses each wrong bit of the first 13 bytes', () => {
  const good = header(0x21, 0x11, inet)
  for (let bit = 0; bit < 13 * 8; bit++) {
    const bytes = Buffer.from(good)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const isLocal = bit === 12 * 8
    assert.equal(decodeProxyHeader(bytes).state, isLocal ? 'done' : 'error', `bit ${bit}`)
  }
})

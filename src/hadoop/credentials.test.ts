import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCredentials, encodeCredentials } from './credentials.ts'
import { HadoopError } from './errors.ts'

test('tokens and secrets come back, of any length', () => {
  const token = (length: number) => ({
    identifier: Buffer.alloc(length, 1),
    password: Buffer.alloc(length, 2),
    kind: 'HDFS_DELEGATION_TOKEN',
    service: '10.0.0.1:8020',
  })
  const lengths = [0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 20]
  const tokens = new Map(lengths.map((length) => [`alias ${length}`, token(length)]))
  const secrets = new Map(lengths.map((length) => [`größe ${length}`, Buffer.alloc(length, 3)]))
  assert.deepEqual(decodeCredentials(encodeCredentials({ tokens, secrets })), { tokens, secrets })
})

test('the layout is Hadoop’s', () => {
  const token = { identifier: Buffer.from('i'), password: Buffer.from('p'), kind: 'k', service: '' }
  const blob = encodeCredentials({
    tokens: new Map([['a', token]]),
    secrets: new Map([['s', Buffer.alloc(200)]]),
  })
  const expected = ['4844545300', '01', '0161', '0169', '0170', '016b', '00', '01', '0173', '8fc8']
  assert.equal(blob.toString('hex'), expected.join('') + '00'.repeat(200))
})

test('what is no such blob is refused', () => {
  const whole = encodeCredentials({ tokens: new Map(), secrets: new Map([['s', Buffer.alloc(9)]]) })
  const bad = [Buffer.alloc(0), Buffer.from('HDTS\u0001'), whole.subarray(0, -1)]
  // Lengths: beyond the end, below zero, of eight bytes.
  for (const hex of ['484454530001ff', '48445453008b7fffffff', '484454530087ff', '48445453008801'])
    bad.push(Buffer.from(hex, 'hex'))
  for (const blob of bad)
    assert.throws(() => decodeCredentials(blob), HadoopError, blob.toString('hex'))
})

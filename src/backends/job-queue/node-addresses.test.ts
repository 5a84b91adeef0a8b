import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeAddresses } from './node-addresses.ts'

test('a name is asked for now and then, and soon again when there was no answer', async () => {
  let [now, asked, away] = [0, 0, true]
  const addresses = new NodeAddresses(
    async () => {
      asked += 1
      if (away) throw new Error('SERVFAIL')
      return [{ address: '10.0.0.1' }]
    },
    () => now,
  )
  assert.deepEqual([await addresses.of('n0'), await addresses.of('n0'), asked], [[], [], 1])
  away = false
  now = 10_000
  assert.deepEqual([await addresses.of('n0'), asked], [['10.0.0.1'], 2])
  now = 100_000
  assert.deepEqual([await addresses.of('n0'), asked], [['10.0.0.1'], 2])
})

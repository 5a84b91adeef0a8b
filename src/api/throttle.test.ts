import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createThrottle } from './throttle.ts'

test('too many failures of a key wait for the end of its window', () => {
  let time = 0
  const throttle = createThrottle(2, 60_000, () => time)
  throttle.failed('a')
  assert.equal(throttle.waitSeconds('a'), 0)
  throttle.failed('a')
  assert.equal(throttle.waitSeconds('a'), 60)
  assert.equal(throttle.waitSeconds('b'), 0)
  time = 59_500
  assert.equal(throttle.waitSeconds('a'), 1)
  time = 60_000
  assert.equal(throttle.waitSeconds('a'), 0)
  throttle.failed('a')
  assert.equal(throttle.waitSeconds('a'), 0)
})

test('a success forgets, and so does the bound on keys', () => {
  const throttle = createThrottle(1, 60_000, () => 0, 2)
  throttle.failed('a')
  throttle.succeeded('a')
  assert.equal(throttle.waitSeconds('a'), 0)
  for (const key of ['a', 'b', 'c']) throttle.failed(key)
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => throttle.waitSeconds(key)),
    [0, 60, 60],
  )
})

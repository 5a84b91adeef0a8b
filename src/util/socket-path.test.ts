import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { randomHex } from './random.ts'
import { socketPathIn } from './socket-path.ts'

test('a socket lies in its state directory, or in a short one when that path is too long', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'socket-path-'))
  t.after(() => rmSync(base, { recursive: true }))
  const name = (bytes: number) => join(base, 'x'.repeat(bytes - base.length - 1))
  assert.equal(socketPathIn(name(105), 'i', 's'), join(name(105), 's'))
  const instanceId = randomHex(8)
  const short = socketPathIn(name(106), instanceId, 's')
  t.after(() => rmSync(dirname(short), { recursive: true }))
  assert.ok(short.length <= 107 && short.includes(instanceId))
  assert.equal(statSync(dirname(short)).mode & 0o777, 0o700)
  assert.equal(socketPathIn(name(106), instanceId, 's'), short)
})

test('a directory that others can enter is refused', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'socket-path-'))
  t.after(() => rmSync(base, { recursive: true }))
  mkdirSync(join(base, 'open'), { mode: 0o755 })
  assert.throws(() => socketPathIn(join(base, 'open'), 'i'), /chmod 700/)
})

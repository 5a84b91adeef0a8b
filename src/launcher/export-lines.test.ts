import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { exportLines } from './export-lines.ts'

test('a value arrives in bash as it is, whatever it holds', () => {
  const environment = {
    PLAIN: 'a b',
    EMPTY: '',
    HOSTILE: `'; touch /tmp/x; echo "$HOME" \`id\` \\ $(id) !! #`,
    LINES: 'one\n\ttwo\n',
    OTHER: 'ä€😀',
  }
  const script = `${exportLines(environment)}exec /usr/bin/env -0`
  const output = execFileSync('/bin/bash', ['-c', script], { env: {}, encoding: 'utf8' })
  const arrived = output.split('\0').map((entry) => entry.split(/=(.*)/s))
  for (const [name, value] of Object.entries(environment))
    assert.equal(arrived.find(([found]) => found === name)?.[1], value, name)
})

test('names that are none, and what no variable can hold, are refused', () => {
  for (const name of ['', '1A', 'A B', 'A;id', 'A\nB', 'BASH_FUNC_x%%', 'ä'])
    assert.throws(() => exportLines({ [name]: '' }), RangeError)
  assert.throws(() => exportLines({ A: 'a\0b' }), /A: its value holds a NUL/)
})

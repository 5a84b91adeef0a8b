import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printEvent } from './follow-output.ts'
import { createOutput } from './output.ts'

test('an event of a failure comes with the end of the log, made safe', () => {
  let printed = ''
  const stdout = {
    write: (text: string) => {
      printed += text
    },
  }
  const output = createOutput({ stdout, stderr: stdout }, false)
  printEvent(output, {
    ...{ id: 1, time: 0, kind: 'cluster-failing', message: 'It ended', worker: null },
    details: { log_tail: ['No licence', '\x1b[2J'] },
  })
  assert.equal(
    printed,
    '1970-01-01 00:00:00Z  cluster-failing  It ended\n    No licence\n    \\x1b[2J\n',
  )
})

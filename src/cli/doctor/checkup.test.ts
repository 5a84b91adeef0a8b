import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCheckup, type NamedFinding, ok, warning } from './checkup.ts'
import { jsonReport, resultOf, textReport } from './report.ts'

test('what a check throws is its failure, and the next one runs', async () => {
  const checkup = createCheckup({ checkMs: 10_000, totalMs: 10_000 })
  const facts = await checkup.run('first', async () => {
    throw new Error('the disk is gone')
  })
  assert.equal(facts, null)
  const found = await checkup.run('second', async () => ({ finding: ok('good'), facts: 42 }))
  assert.equal(found, 42)
  assert.deepEqual(
    checkup.findings.map(({ name, result, sentence }) => [name, result, sentence]),
    [
      ['first', 'failed', 'the disk is gone'],
      ['second', 'ok', 'good'],
    ],
  )
})

test('a check that hangs is left, its signal aborted, and the time of all is limited too', async () => {
  const checkup = createCheckup({ checkMs: 30, totalMs: 60_000 })
  let told = false
  await checkup.run('hangs', (signal) => {
    signal.addEventListener('abort', () => {
      told = true
    })
    return new Promise<never>(() => {})
  })
  assert.equal(told, true)
  assert.match(checkup.findings[0]?.sentence ?? '', /did not come to an end within 1 s/)

  const late = createCheckup({ checkMs: 1000, totalMs: 0 })
  await late.run('late', async () => ok('never seen'))
  assert.match(late.findings[0]?.sentence ?? '', /time for all checks was used up/)
})

const findings: readonly NamedFinding[] = [
  { name: 'one', ...ok('All is well.') },
  {
    name: 'number two',
    ...warning('There is much to say about this, more than goes into a line.', 'Do this.'),
    details: ['process 7'],
  },
]

test('for people: columns, wrapped lines, what to do', () => {
  assert.equal(
    textReport(findings, 61),
    `ok       one         All is well.
warning  number two  There is much to say about this, more
                     than goes into a line.
                     - process 7
                     → Do this.

1 ok, 1 to look at, 0 failed
`,
  )
})

test('for programs: the worst counts', () => {
  const report = JSON.parse(jsonReport(findings, '1.2.3'))
  assert.equal(report.result, 'warning')
  assert.deepEqual(report.checks[0], {
    ...{ name: 'one', result: 'ok', sentence: 'All is well.', advice: null, details: [] },
  })
  assert.equal(resultOf([]), 'ok')
})

// Runs every check and test for `scripts/test`, sums them up on one line, and looks after what they leave behind.
import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { endLeftovers, removeFolder } from './leftovers.ts'
import { runStep, type Step, type StepResult } from './step.ts'

const minuteMs = 60_000
// On two cores about 40 minutes; on a machine that is busy otherwise it takes longer.
const wholeLimitMs = 75 * minuteMs

const root = join(import.meta.dirname, '../..')
const results = join(root, 'test-results')
rmSync(results, { recursive: true, force: true })
mkdirSync(results)

// A short name: unix sockets below it have 107 characters. Others may pass through, as some tests run as another user.
const temporary = mkdtempSync(join(tmpdir(), 'dgt-'))
chmodSync(temporary, 0o711)

const unitTests = globSync(['src/**/*.test.ts', 'test/*.test.ts', 'client/**/*.test.ts'], {
  cwd: root,
  exclude: (name) => name === 'node_modules',
}).sort()
// Each on a machine of its own, where most of the time is a queue's.
const queueTests = globSync('test/queues/*.test.ts', { cwd: root }).sort()
// Whole servers, clusters and installations: one file at a time, so that their time limits mean something.
const systemTests = globSync('test/*/**/*.test.ts', { cwd: root })
  .filter((name) => !queueTests.includes(name))
  .sort()

const steps: readonly Step[] = [
  {
    name: 'format-and-lint',
    command: ['node_modules/.bin/biome', 'check', '--error-on-warnings', '.'],
    limitMs: 2 * minuteMs,
  },
  {
    name: 'types',
    command: ['node_modules/.bin/tsc', '--noEmit', '-p', '.'],
    limitMs: 5 * minuteMs,
  },
  {
    name: 'types-of-the-page',
    command: ['node_modules/.bin/tsc', '--noEmit', '-p', 'web'],
    limitMs: 5 * minuteMs,
  },
  { name: 'settings-page', command: ['scripts/docs', '--check'], limitMs: minuteMs },
  {
    name: 'unit',
    tests: unitTests,
    concurrency: Math.max(2, availableParallelism()),
    testLimitMs: 2 * minuteMs,
    limitMs: 15 * minuteMs,
  },
  {
    name: 'queues',
    tests: queueTests,
    concurrency: 2,
    testLimitMs: 10 * minuteMs,
    limitMs: 20 * minuteMs,
  },
  {
    name: 'system',
    tests: systemTests,
    concurrency: 1,
    testLimitMs: 10 * minuteMs,
    limitMs: 60 * minuteMs,
  },
]

const startMs = Date.now()
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopped.abort())

const outcomes: StepResult[] = []
for (const step of steps) {
  if (stopped.signal.aborted) break
  const leftMs = Math.max(1, wholeLimitMs - (Date.now() - startMs))
  const limited = { ...step, limitMs: Math.min(step.limitMs, leftMs) }
  outcomes.push(await runStep(limited, { root, results, temporary, signal: stopped.signal }))
}

const faults = outcomes.flatMap((outcome) => outcome.faults)
for (const left of await endLeftovers(temporary))
  faults.push(`still running after the tests: ${left}`)
for (const left of removeFolder(temporary)) faults.push(`left in TMPDIR by the tests: ${left}`)
const testsRun = outcomes.reduce((sum, outcome) => sum + outcome.testsRun, 0)
if (testsRun === 0) faults.push('no test ran')
if (stopped.signal.aborted) faults.push('stopped by a signal')

for (const fault of faults) console.error(`FAILED: ${fault}`)
if (faults.length > 0) console.error(`The logs are in ${relative(process.cwd(), results) || '.'}/`)
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
console.log(`${passed} passed, ${faults.length} failed`)
process.exit(faults.length === 0 ? 0 : 1)

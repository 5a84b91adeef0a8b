import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { TestCounts } from './count-reporter.ts'

/** A check (its exit code decides) or a run of node's test runner over some files. */
export type Step = CheckStep | TestStep

interface CheckStep {
  readonly name: string
  readonly limitMs: number
  readonly command: readonly string[]
}

interface TestStep {
  readonly name: string
  readonly limitMs: number
  readonly tests: readonly string[]
  readonly concurrency: number
  readonly testLimitMs: number
}

export interface StepResult {
  readonly passed: number
  readonly testsRun: number
  /** One for each thing that failed. */
  readonly faults: readonly string[]
}

interface Surroundings {
  readonly root: string
  readonly results: string
  readonly temporary: string
  readonly signal: AbortSignal
}

/** Runs one step; what it prints goes to the terminal and to test-results/NAME.log. */
export async function runStep(step: Step, around: Surroundings): Promise<StepResult> {
  console.log(`==> ${step.name}`)
  if ('command' in step) {
    const ended = await run(step.command, step, around)
    return ended === null
      ? { passed: 1, testsRun: 0, faults: [] }
      : { passed: 0, testsRun: 0, faults: [`${step.name} ${ended}`] }
  }
  if (step.tests.length === 0) return { passed: 0, testsRun: 0, faults: [] }
  const countsFile = join(around.results, `${step.name}.json`)
  const ended = await run(testCommand(step, countsFile), step, around)
  return summary(step.name, ended, countsFile)
}

function testCommand(step: TestStep, countsFile: string): readonly string[] {
  return [
    process.execPath,
    '--test',
    `--test-concurrency=${step.concurrency}`,
    `--test-timeout=${step.testLimitMs}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'count-reporter.ts')}`,
    `--test-reporter-destination=${countsFile}`,
    ...step.tests,
  ]
}

function summary(name: string, ended: string | null, countsFile: string): StepResult {
  if (!existsSync(countsFile) || readFileSync(countsFile, 'utf8') === '')
    return { passed: 0, testsRun: 0, faults: [`${name} ${ended ?? 'ended without a result'}`] }
  const counts = JSON.parse(readFileSync(countsFile, 'utf8')) as TestCounts
  rmSync(countsFile)
  const faults = counts.failed.map((each) => `${name}: ${each}`)
  if (process.env.CI)
    faults.push(...counts.skipped.map((each) => `${name}: skipped under CI: ${each}`))
  if (ended !== null && counts.failed.length === 0) faults.push(`${name} ${ended}`)
  return { passed: counts.passed, testsRun: counts.passed + counts.failed.length, faults }
}

/** Why it failed, or null. The whole process group is ended at the limit. */
async function run(
  [program, ...programArguments]: readonly string[],
  step: Step,
  { root, results, temporary, signal }: Surroundings,
): Promise<string | null> {
  if (program === undefined) throw new Error(`the step ${step.name} has no command`)
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const child = spawn(program, programArguments, {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      TMPDIR: temporary,
      ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
    },
  })
  const log = createWriteStream(join(results, `${step.name}.log`))
  for (const [stream, terminal] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const)
    stream.on('data', (chunk: Buffer) => {
      log.write(chunk)
      terminal.write(chunk)
    })
  let late = false
  const end = (kill: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, kill)
    } catch {
      // The group is gone, which is what was wanted.
    }
  }
  const stop = () => {
    end('SIGTERM')
    setTimeout(() => end('SIGKILL'), 10_000).unref()
  }
  const limit = setTimeout(() => {
    late = true
    stop()
  }, step.limitMs)
  signal.addEventListener('abort', stop)
  // 'exit', not 'close': a process that a test left behind may hold the pipe for ever.
  const why = await new Promise<string | null>((resolve) => {
    child.on('error', (cause) => resolve(`could not be started: ${cause.message}`))
    child.on('exit', (code, killedBy) =>
      setImmediate(() =>
        resolve(code === 0 ? null : `ended with ${killedBy ?? `exit code ${code}`}`),
      ),
    )
  })
  clearTimeout(limit)
  signal.removeEventListener('abort', stop)
  log.end()
  await finished(log)
  return late ? `did not end within ${Math.round(step.limitMs / 1000)} s` : why
}

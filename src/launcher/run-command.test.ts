import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CommandRun, runCommand } from './run-command.ts'

const base: CommandRun = {
  path: '/bin/sh',
  argv: [],
  stdin: '',
  environment: { PATH: '/usr/bin:/bin' },
  directory: '/',
  limitMs: 60_000,
  outputBytes: 1000,
}
const run = (script: string, change: Partial<CommandRun> = {}) =>
  runCommand({ ...base, argv: ['-c', script], ...change })

test('what it answers, with what it was given', async () => {
  const end = await run('cat; echo problem >&2; exit 3', { stdin: 'a\nb\n' })
  assert.deepEqual(end, {
    outcome: 'answered',
    returncode: 3,
    stdout: 'a\nb\n',
    stderr: 'problem\n',
    cut: false,
  })
})

test('output beyond the limit is dropped, and said to be', async () => {
  const end = await run('yes | head -c 500000')
  assert.ok(end.outcome === 'answered')
  assert.deepEqual([end.returncode, end.stdout.length, end.cut], [0, 1000, true])
})

test('a command that reads nothing of a long input is no fault', async () => {
  const end = await run('exit 0', { stdin: 'x'.repeat(4_000_000) })
  assert.equal(end.outcome, 'answered')
})

test('what is not done in time is killed with all it started, and of unknown outcome', async () => {
  const end = await run('echo waiting >&2; sleep 1000 & wait', { limitMs: 500 })
  assert.ok(end.outcome === 'unknown')
  assert.match(end.error, /was not done after 500 ms\. waiting/)
})

test('what a signal ends is of unknown outcome', async () => {
  const end = await run('kill -TERM $$')
  assert.ok(end.outcome === 'unknown')
  assert.match(end.error, /was ended by SIGTERM/)
})

test('something that holds the output open does not hold up the answer', async () => {
  const end = await run('sleep 30 & echo $!')
  assert.ok(end.outcome === 'answered')
  process.kill(Number(end.stdout))
})

test('what cannot be begun has answered 127', async () => {
  const tooLong = ['-c', 'x'.repeat(1_000_000)]
  for (const change of [
    { path: '/nonexistent/sbatch' },
    { path: '/etc/passwd' },
    { directory: '/nonexistent' },
    { argv: tooLong },
  ]) {
    const end = await runCommand({ ...base, ...change })
    assert.ok(end.outcome === 'answered')
    assert.equal(end.returncode, 127)
    assert.match(end.stderr, /cannot be run: /)
  }
})

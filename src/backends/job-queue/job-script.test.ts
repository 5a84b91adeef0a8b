import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { exportLines } from '../../launcher/index.ts'
import { type JobScript, jobScript } from './job-script.ts'

const directory = mkdtempSync(join(tmpdir(), "job script's "))
after(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
/** Runs a job as a queue does, with a staging directory of its own. */
function run(script: Partial<JobScript>, env: { readonly [name: string]: string } = {}) {
  const staging = join(directory, String(++count))
  mkdirSync(staging)
  const text = jobScript({
    ...{ staging, indexVariable: null, exports: '', copied: [], setup: '' },
    tasks: [{ attemptId: 'a1', args: ['--one', "it's"] }],
    command: ['printf', '[%s]\\n'],
    ...script,
  })
  const file = join(directory, `script-${count}`)
  writeFileSync(file, text)
  const again = () =>
    spawnSync('/bin/bash', [file], {
      ...{ cwd: directory, encoding: 'utf8', timeout: 60_000 },
      env: { PATH: '/usr/bin:/bin', HOME: directory, ...env },
    })
  return { ...again(), again, staging }
}

/** A program that tells how it was called. */
function program(name: string): string {
  const path = join(directory, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho "${name}: $*"\n`)
  chmodSync(path, 0o755)
  return path
}

test('a list is exactly its arguments', () => {
  const { stdout, status } = run({ command: ['printf', '[%s]\\n', '$HOME', 'a b'] })
  assert.equal(stdout, "[$HOME]\n[a b]\n[--one]\n[it's]\n")
  assert.equal(status, 0)
})

test('a string is shell text', () => {
  program('bin/tell')
  const { stdout } = run({ command: 'cd /; pwd && ~/bin/tell $WHAT' }, { WHAT: 'a  b' })
  assert.equal(stdout, "/\nbin/tell: a b --one it's\n")
})

test('the second run of an attempt ends before anything is started', () => {
  const first = run({ setup: 'echo begun' })
  assert.match(first.stdout, /^begun\n/)
  const second = first.again()
  assert.equal(second.status, 1)
  assert.equal(second.stdout, '')
  assert.match(second.stderr, /has begun elsewhere or was given up/)
})

test('the setup runs in the same shell, before the command, without its arguments', () => {
  writeFileSync(
    join(directory, 'activate'),
    'TOLD="active $#"; export TOLD; tell() { echo "$TOLD: $*"; }\n',
  )
  const { stdout, stderr } = run({ setup: 'source ~/activate', command: 'tell' })
  assert.equal(stdout, "active 0: --one it's\n", stderr)
})

test('the exit status is the command’s, and its signals are its own', () => {
  assert.equal(run({ command: 'exit 3 #' }).status, 3)
  const trap = 'trap "exit 5" TERM; kill -TERM $PPID; kill -TERM $$; sleep 5'
  assert.equal(run({ command: ['/bin/sh', '-c', trap, 'sh'] }).status, 5)
})

test('variables arrive as they are', () => {
  const value = `it's "$HOME"\n\\n \`x\``
  const { stdout } = run({
    exports: exportLines({ ODD: value }),
    command: ['/usr/bin/printenv', 'ODD', '--'],
    tasks: [{ attemptId: 'a1', args: [] }],
  })
  assert.ok(stdout.startsWith(value), stdout)
})

test('a copy’s files are named by where the job runs', () => {
  const { stdout } = run({
    staging: null,
    exports: exportLines({ TOKEN: 'token' }),
    copied: ['TOKEN'],
    command: 'cd /; echo "$TOKEN" #',
  })
  assert.equal(stdout, `${execFileSync('realpath', [directory]).toString().trim()}/token\n`)
})

test('that something stands in for a command is noted once', () => {
  program('env/bin/dask')
  const job = { setup: 'set -e', command: '~/env/bin/dask-worker', note: 'note-worker' }
  const { staging } = run(job)
  const note = join(staging, 'note-worker')
  const words = `${directory}/env/bin/dask-worker does not exist; ${directory}/env/bin/dask worker runs instead\n`
  assert.equal(readFileSync(note, 'utf8'), words)
  writeFileSync(note, 'of an earlier worker')
  rmSync(join(staging, 'claim-a1'), { recursive: true })
  assert.match(run({ ...job, staging }).stdout, /runs instead/)
  assert.equal(readFileSync(note, 'utf8'), 'of an earlier worker')
  assert.equal(run({ ...job, staging: null }).status, 0)
  const exists = run({ ...job, command: 'printf' })
  assert.ok(!existsSync(join(exists.staging, 'note-worker')))
})

test('each task of an array has its own arguments, and one that is none starts nothing', () => {
  const tasks = ['x', 'y'].map((name) => ({ attemptId: `a${name}`, args: ['--name', name] }))
  const array = { tasks, indexVariable: 'TASK' }
  assert.equal(run(array, { TASK: '1' }).stdout, '[--name]\n[y]\n')
  for (const TASK of ['2', '', 'x']) {
    const { stdout, status } = run(array, { TASK })
    assert.deepEqual([stdout, status], ['', 1])
  }
})

test('dask stands in for the old commands where these do not exist', () => {
  const dask = program('env/bin/dask')
  const args = "--one it's"
  for (const command of [
    '~/env/bin/dask-scheduler --x',
    [`${directory}/env/bin/dask-scheduler`, '--x'],
  ]) {
    const { stdout } = run({ command })
    assert.match(stdout, /dask-scheduler does not exist; .*env\/bin\/dask scheduler runs instead\n/)
    assert.ok(stdout.endsWith(`env/bin/dask: scheduler --x ${args}\n`), stdout)
  }
  const onPath = run({ command: 'dask-worker' }, { PATH: `${join(dask, '..')}:/usr/bin:/bin` })
  assert.ok(onPath.stdout.endsWith(`env/bin/dask: worker ${args}\n`), onPath.stdout)
  program('env/bin/dask-worker')
  assert.equal(run({ command: '~/env/bin/dask-worker' }).stdout, `env/bin/dask-worker: ${args}\n`)
  const none = run({ command: 'dask-worker' })
  assert.equal(none.status, 127)
  assert.match(none.stderr, /dask-worker/)
})

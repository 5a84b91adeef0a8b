import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { type ProcessIdentity, readProcess } from '../../util/index.ts'
import type { FindMembers, RunningAttempt } from './attempt-members.ts'
import { handleOf } from './claims.ts'
import { Stopper } from './stopper.ts'
import { membersOf, surveyor } from './survey.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }
const steps = { sigintMs: 20_000, sigtermMs: 20_000, sigkillMs: 20_000 }
const children: ChildProcess[] = []
let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'stopper-'))
})
afterEach(() => {
  for (const { pid, exitCode } of children.splice(0))
    if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL')
})
after(() => rm(root, { recursive: true }))

/** What supervises a process, in a session of its own, that has said that it is ready for signals. */
async function started(program: string, log: string): Promise<ProcessIdentity> {
  const prelude = `const say = (word) => require('node:fs').appendFileSync(${JSON.stringify(log)}, word + ' ')
setInterval(() => {}, 1e6)
`
  const script = '"$0" "$@"; exit $?'
  const child = spawn('/bin/sh', ['-c', script, process.execPath, '-e', prelude + program], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
  const identity = readProcess(child.pid ?? 0)
  assert.ok(identity !== null)
  return identity
}

const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const attempt = (attemptId: string, identity: ProcessIdentity): RunningAttempt => ({
  ...{ attemptId, clusterName: 'c', handle: handleOf(identity, own) },
})
const survey = surveyor('of no instance')

function stopperOf(count: number): { readonly stopper: Stopper; readonly over: Promise<void> } {
  const { promise: over, resolve } = Promise.withResolvers<void>()
  let left = count
  const find: FindMembers = async ({ handle }, known) =>
    membersOf(await survey(), handle, new Set(), known)
  const stopper = new Stopper(
    steps,
    find,
    () => {
      left -= 1
      if (left === 0) resolve()
    },
    silent,
  )
  return { stopper, over }
}

test('what is to go last is signalled when the others have ended', async () => {
  const log = join(root, 'order')
  const worker = await started(
    `process.on('SIGINT', () => setTimeout(() => { say('worker'); process.exit() }, 300)); console.log('ready')`,
    log,
  )
  const scheduler = await started(
    `process.on('SIGINT', () => { say('scheduler'); process.exit() }); console.log('ready')`,
    log,
  )
  const { stopper, over } = stopperOf(2)
  stopper.begin(attempt('worker', worker))
  stopper.begin(attempt('scheduler', scheduler), ['worker', 'another'])
  await over
  assert.equal(await readFile(log, 'utf8'), 'worker scheduler ')
})

test('what multiprocessing of Python started is ended by its parent, not interrupted', async () => {
  const log = join(root, 'parent')
  const child = `const say = (word) => require('node:fs').appendFileSync(${JSON.stringify(log)}, word + ' ')
process.on('SIGINT', () => say('interrupted'))
process.on('SIGTERM', () => { say('asked'); process.exit() })
process.stdout.write('ready')
setInterval(() => {}, 1e6)`
  const nanny = await started(
    `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}, '--', '--multiprocessing-fork'])
process.on('SIGINT', () => setTimeout(() => child.kill('SIGTERM'), 200))
child.on('exit', () => process.exit())
child.stdout.once('data', () => console.log('ready'))`,
    log,
  )
  const { stopper, over } = stopperOf(1)
  stopper.begin(attempt('worker', nanny))
  await over
  assert.equal(await readFile(log, 'utf8'), 'asked ')
})

test('a halted process is woken, so that it ends by itself', async () => {
  const log = join(root, 'halted')
  const halted = await started(
    `process.on('SIGINT', () => { say('interrupted'); process.exit() }); console.log('ready')`,
    log,
  )
  process.kill(-halted.pid, 'SIGSTOP')
  const { stopper, over } = stopperOf(1)
  stopper.begin(attempt('halted', halted))
  await over
  assert.equal(await readFile(log, 'utf8'), 'interrupted ')
})

test('a command that begins only after the stop is told to end all the same', async () => {
  const child = spawn('/bin/sh', ['-c', 'trap : INT; echo ready; read -r go; sleep 1000; exit 0'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
  const supervisor = readProcess(child.pid ?? 0)
  assert.ok(supervisor !== null)
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const find: FindMembers = async ({ handle }, known) => {
    const found = membersOf(await survey(), handle, new Set(), known)
    if (known.length === 0) child.stdin.write('go\n')
    return found
  }
  const begun = performance.now()
  new Stopper(steps, find, resolve, silent).begin(attempt('early', supervisor))
  await over
  assert.ok(performance.now() - begun < steps.sigintMs / 2)
})

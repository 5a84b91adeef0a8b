// Run by npm-start.test.ts on a private machine: npm-start.scenario.ts CLONE. Throws when something is not as it should be.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'

const home = '/var/lib/dask-gateway'
const firstStartLimitMs = 5 * 60_000
const laterStartLimitMs = 30_000
const computeLimitMs = 120_000
const stopLimitMs = 40_000

const [clone] = process.argv.slice(2)
if (clone === undefined) throw new Error('usage: npm-start.scenario.ts CLONE')
const port = await freePort()

const first = await start(firstStartLimitMs)
assert.match(first.printed(), /adding the system user dask-gateway/)
assertClosed()
assertRunsAsUser()
const { interpreter, lines } = pasteable(first.printed())
const sum = Number(runPython(interpreter, `${lines}\n`))
// 16 million numbers between 0 and 1.
assert.ok(Math.abs(sum - 8_000_000) < 20_000, `the Python lines printed ${sum}`)
await stop(first, 'Ctrl-C')

const second = await start(laterStartLimitMs)
assert.deepEqual(pasteable(second.printed()), { interpreter, lines }, 'the password stays')
assert.doesNotMatch(second.printed(), /^==> /m, 'nothing is installed a second time')

const third = run()
const [code] = await Promise.race([
  once(third.child, 'exit'),
  late(laterStartLimitMs, 'a second gateway did not end'),
])
assert.notEqual(code, 0, 'a port in use is an error')
assert.match(
  third.printed(),
  new RegExp(`${port}|dask_gateway\\.sqlite`),
  'which names what is in use',
)
assert.doesNotMatch(third.printed(), /The gateway is ready/)
await stop(second, 'SIGTERM')
process.exit(0)

interface Run {
  readonly child: ChildProcess
  printed(): string
}

function run(): Run {
  const child = spawn('npm', ['start', '--', `--Proxy.address=127.0.0.1:${port}`], {
    cwd: clone,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk
      process.stdout.write(chunk.toString().replace(/password="[^"]*"/, 'password="…"'))
    })
  return { child, printed: () => printed }
}

/** Starts, and waits until it says that it is ready. */
async function start(limitMs: number): Promise<Run> {
  const started = run()
  const ready = new Promise<void>((resolve, reject) => {
    started.child.stdout?.on('data', () => {
      if (started.printed().includes('In a browser:')) resolve()
    })
    started.child.on('exit', (status) =>
      reject(new Error(`npm start ended with ${status} before it was ready`)),
    )
  })
  await Promise.race([ready, late(limitMs, 'npm start was not ready')])
  return started
}

/** Ctrl-C: the terminal gives SIGINT to everyone in the foreground, and npm repeats it. SIGTERM: npm alone gets it, and passes it on. */
async function stop({ child }: Run, how: 'Ctrl-C' | 'SIGTERM'): Promise<void> {
  assert.ok(child.pid !== undefined)
  const exit = once(child, 'exit')
  if (how === 'Ctrl-C') process.kill(-child.pid, 'SIGINT')
  else child.kill(how)
  await Promise.race([exit, late(stopLimitMs, 'npm start did not end after a signal')])
  await until(() => processesOfUser().length === 0, stopLimitMs)
  assert.deepEqual(processesOfUser(), [], 'no process of the gateway or its clusters is left')
}

function pasteable(printed: string): { readonly interpreter: string; readonly lines: string } {
  const interpreter = /Python prompt \((.+)\)/.exec(printed)?.[1]
  assert.ok(interpreter !== undefined, printed)
  const lines = printed.split('\n').filter((line) => line.startsWith('    '))
  return { interpreter, lines: lines.map((line) => line.trim()).join('\n') }
}

/** As somebody who is neither root nor the gateway. */
function runPython(interpreter: string, program: string): string {
  return execFileSync(
    'setpriv',
    ['--reuid=nobody', '--regid=nogroup', '--clear-groups', interpreter, '-c', program],
    {
      encoding: 'utf8',
      cwd: '/',
      timeout: computeLimitMs,
      env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' },
    },
  )
}

/** The password is for the gateway's user alone, and that user cannot change what root runs next. */
function assertClosed(): void {
  const uid = Number(execFileSync('id', ['-u', 'dask-gateway'], { encoding: 'utf8' }))
  const configuration = lstatSync(join(home, 'dask_gateway_config.json'))
  assert.deepEqual([configuration.mode & 0o777, configuration.uid], [0o600, uid])
  const state = statSync(join(home, 'state'))
  assert.deepEqual([state.mode & 0o777, state.uid], [0o700, uid])
  for (const name of ['.', 'app', 'venv'])
    assert.deepEqual(
      [statSync(join(home, name)).mode & 0o777, statSync(join(home, name)).uid],
      [0o755, 0],
      name,
    )
  for (const name of readdirSync(join(home, 'state')))
    assert.equal(
      statSync(join(home, 'state', name)).mode & 0o077,
      0,
      `state/${name} is closed to others`,
    )
}

function assertRunsAsUser(): void {
  assert.ok(
    processesOfUser().some((each) => each.includes('dist/cli/main.js')),
    'the gateway runs as dask-gateway',
  )
}

function processesOfUser(): readonly string[] {
  const all = execFileSync('ps', ['-eo', 'user:32=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return all.filter((line) => /^dask-gateway\s+[^Z]/.test(line))
}

/** npm may end a little before those to whom it passed the signal on. */
async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const end = Date.now() + limitMs
  while (!condition() && Date.now() < end) await delay(100)
}

async function late(limitMs: number, what: string): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  setTimeout(() => reject(new Error(`${what} within ${limitMs / 1000} s`)), limitMs).unref()
  return promise
}

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { freePort } from '../../test/support/free-port.ts'
import { createLogger, readProcess } from '../util/index.ts'
import { readLiveRecord } from './proxy-record.ts'
import { createRouteTable } from './route-table.ts'
import { type SupervisorOptions, superviseProxy } from './supervise-proxy.ts'
import { watchServer } from './watch-server.fixture.ts'

const log = createLogger({ level: 'critical', format: 'text', write: () => {} })
const module = (name: string) => JSON.stringify(join(import.meta.dirname, name))
const quiet = '{ debug() {}, info() {}, warn() {}, error() {} }'
const command = [
  process.execPath,
  '--input-type=module',
  '-e',
  `import { runManagedProxy } from ${module('managed-proxy.ts')}
   process.exit(await runManagedProxy(() => (${quiet})))`,
]

/** A gateway's surroundings: routes, a scheduler that sends back what it gets, and what a supervisor is given. */
async function surroundings(t: TestContext) {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'supervise-'))
  const table = createRouteTable({ maxEvents: 10 })
  const server = await watchServer(table, 'secret-token')
  const sockets = new Set<Socket>()
  const scheduler = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(scheduler, 'listening')
  const target = scheduler.address()
  const port = typeof target === 'object' && target !== null ? target.port : 0
  table.put({ clusterName: 'abc', host: '127.0.0.1', port })
  const options: Omit<SupervisorOptions, 'log'> = {
    command,
    address: { host: '127.0.0.1', port: await freePort() },
    tcpAddress: null,
    gatewayUrl: `unix:${join(stateDirectory, 'gateway.sock')}`,
    watchUrl: server.url,
    token: 'secret-token',
    logLevel: 'warn',
    stateDirectory,
    instanceId: 'i',
  }
  t.after(async () => {
    const left = readLiveRecord(stateDirectory)
    if (left !== null) process.kill(left.pid, 'SIGKILL')
    for (const socket of sockets) socket.destroy()
    scheduler.close()
    await server.stop()
    rmSync(stateDirectory, { recursive: true })
  })
  return { options, table, stateDirectory }
}

async function until<T>(look: () => T | null | false | undefined): Promise<T> {
  const endsAtMs = performance.now() + 20_000
  for (;;) {
    const seen = look()
    if (seen) return seen
    assert.ok(performance.now() < endsAtMs, `still not: ${look}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const isGone = (pid: number) => readProcess(pid)?.ended ?? true

/** A tunnel through which the scheduler's echo of the hello has come. */
async function tunnel(t: TestContext, port: number): Promise<Socket> {
  const recorder = createServer().listen(0, '127.0.0.1')
  await once(recorder, 'listening')
  const address = recorder.address()
  const recorderPort = typeof address === 'object' && address !== null ? address.port : 0
  const tls = connectTls({ host: '127.0.0.1', port: recorderPort, servername: 'daskgateway-abc' })
  tls.on('error', () => {})
  const [recorded] = await once(recorder, 'connection')
  const [hello] = await once(recorded, 'data')
  tls.destroy()
  recorded.destroy()
  recorder.close()
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.after(() => socket.destroy())
  socket.write(hello)
  let length = 0
  while (length < hello.length) length += (await once(socket, 'data'))[0].length
  return socket
}

async function echoes(socket: Socket): Promise<void> {
  socket.write('still there?')
  assert.equal(String((await once(socket, 'data'))[0]), 'still there?')
}

test('a proxy runs without a secret in its arguments or environment, and stops in order', async (t) => {
  const { options, table, stateDirectory } = await surroundings(t)
  const supervised = await superviseProxy({ ...options, log })
  const pid = supervised.pid() ?? 0
  await until(() => table.proxies()[0]?.version === 1)
  const socket = await tunnel(t, options.address.port)
  const { readFileSync } = await import('node:fs')
  for (const file of ['cmdline', 'environ'])
    assert.doesNotMatch(readFileSync(`/proc/${pid}/${file}`, 'latin1'), /secret-token/)
  const record = join(stateDirectory, 'proxy.json')
  assert.equal(statSync(record).mode & 0o777, 0o600)
  assert.doesNotMatch(readFileSync(record, 'utf8'), /secret-token/)
  const cut = once(socket, 'close')
  await supervised.stop()
  await cut
  assert.ok(isGone(pid))
  assert.equal(existsSync(record), false)
})

test('a proxy that is killed is started again', async (t) => {
  const { options, table } = await surroundings(t)
  const supervised = await superviseProxy({ ...options, log })
  t.after(() => supervised.stop())
  const first = supervised.pid() ?? 0
  process.kill(first, 'SIGKILL')
  await until(() => supervised.pid() !== first && supervised.pid())
  await until(() =>
    table
      .proxies()
      .some((each) => each.name.endsWith(`-${supervised.pid()}`) && each.version === 1),
  )
  await echoes(await tunnel(t, options.address.port))
})

test('a proxy that is frozen is replaced, while it runs and at a start', async (t) => {
  const { options, table, stateDirectory } = await surroundings(t)
  const gateway = await killableGateway({ ...options, silenceMs: 300 })
  const { pid: first } = await until(() => readLiveRecord(stateDirectory))
  process.kill(first, 'SIGSTOP')
  const { pid: second } = await until(() => {
    const record = readLiveRecord(stateDirectory)
    return record?.pid !== first && record
  })
  assert.ok(isGone(first))
  await until(() => table.proxies().some((each) => each.name.endsWith(`-${second}`)))
  await kill(gateway)
  process.kill(second, 'SIGSTOP')
  const supervised = await superviseProxy({ ...options, log })
  t.after(() => supervised.stop())
  assert.ok(isGone(second))
  await until(() => table.proxies().some((each) => each.name.endsWith(`-${supervised.pid()}`)))
  await echoes(await tunnel(t, options.address.port))
})

test('a proxy that answers is left alone', async (t) => {
  const { options } = await surroundings(t)
  const supervised = await superviseProxy({ ...options, silenceMs: 1_500, log })
  t.after(() => supervised.stop())
  const pid = supervised.pid()
  const socket = await tunnel(t, options.address.port)
  const endsAtMs = performance.now() + 2_500
  while (performance.now() < endsAtMs) await echoes(socket)
  assert.equal(supervised.pid(), pid)
})

/** A gateway in a process of its own, that can be killed. */
async function killableGateway(options: Omit<SupervisorOptions, 'log'>): Promise<ChildProcess> {
  const script = `
    import { superviseProxy } from ${module('supervise-proxy.ts')}
    await superviseProxy({ ...JSON.parse(process.env.OPTIONS), log: ${quiet} })
    console.log('up')`
  const gateway = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(gateway.stdout, 'data')
  return gateway
}

async function kill(gateway: ChildProcess): Promise<void> {
  const exited = once(gateway, 'exit')
  gateway.kill('SIGKILL')
  await exited
}

test('the next gateway takes over the proxy of a killed one, with its tunnels', async (t) => {
  const { options, table, stateDirectory } = await surroundings(t)
  const gateway = await killableGateway(options)
  await until(() => table.proxies()[0]?.version === 1)
  const socket = await tunnel(t, options.address.port)
  const { pid } = await until(() => readLiveRecord(stateDirectory))
  await kill(gateway)
  await echoes(socket)
  const supervised = await superviseProxy({ ...options, log })
  assert.equal(supervised.pid(), pid)
  await echoes(socket)
  await supervised.stop()
  assert.ok(isGone(pid))
})

test('a proxy with other settings is replaced', async (t) => {
  const { options, stateDirectory } = await surroundings(t)
  const gateway = await killableGateway(options)
  const { pid } = await until(() => readLiveRecord(stateDirectory))
  await kill(gateway)
  const supervised = await superviseProxy({ ...options, logLevel: 'error', log })
  assert.ok(isGone(pid))
  assert.notEqual(supervised.pid(), null)
  await supervised.stop()
})

test('without a gateway the proxy ends after its time', async (t) => {
  const { options, stateDirectory } = await surroundings(t)
  const gateway = await killableGateway({ ...options, lonelyMs: 300 })
  const { pid } = await until(() => readLiveRecord(stateDirectory))
  await kill(gateway)
  await until(() => isGone(pid))
  assert.equal(existsSync(join(stateDirectory, 'proxy.json')), false)
})

test('a port in use ends the start with its name and setting', async (t) => {
  const { options } = await surroundings(t)
  const other = createServer().listen(options.address.port, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  await assert.rejects(superviseProxy({ ...options, log }), {
    name: 'GatewayError',
    code: 'configuration',
    message: /Proxy\.address = "127\.0\.0\.1:\d+": the port is in use/,
  })
})

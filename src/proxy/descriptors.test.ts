import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

for (const maxConnections of [undefined, 10_000])
  test(`out of descriptors, the proxy refuses some and lives on (limit ${maxConnections})`, (t) =>
    floods(t, maxConnections))

async function floods(t: TestContext, maxConnections: number | undefined): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'descriptors-'))
  const gatewayPath = join(directory, 'gateway.sock')
  const held = new Set<Socket>()
  const gateway = createServer((socket) => {
    held.add(socket.on('error', () => {}))
    socket.resume()
    socket.write('here')
  }).listen(gatewayPath)
  const script = `
    import { startProxy } from ${JSON.stringify(join(import.meta.dirname, 'start-proxy.ts'))}
    const log = { debug() {}, info() {}, error() {}, warn: (text, { reason }) => console.error(text, reason) }
    const address = { host: '127.0.0.1', port: 0 }
    const limits = { gatewayWaitMs: 300, gatewayRetryMs: 20, ...${JSON.stringify({ maxConnections })} }
    const gateway = { path: ${JSON.stringify(gatewayPath)} }
    const proxy = await startProxy({ address, tcpAddress: null, gateway, log, limits })
    console.log(proxy.address.port)`
  const node = [process.execPath, '--input-type=module', '-e', script]
  const proxy = spawn('sh', ['-c', 'ulimit -n 60; exec "$@"', 'sh', ...node])
  t.after(async () => {
    const exited = once(proxy, 'exit')
    proxy.kill('SIGKILL')
    await exited
    for (const socket of held) socket.destroy()
    gateway.close()
    rmSync(directory, { recursive: true })
  })
  const warnings: string[] = []
  proxy.stderr.on('data', (text) => warnings.push(String(text)))
  const port = Number((await once(proxy.stdout, 'data'))[0])
  const ask = () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write('GET /')
    return socket
  }
  const outcome = (socket: Socket) =>
    new Promise<'served' | 'closed'>((resolve) => {
      socket.once('data', () => resolve('served')).once('close', () => resolve('closed'))
    })

  const many = Array.from({ length: 100 }, ask)
  const outcomes = await Promise.all(many.map(outcome))
  assert.ok(outcomes.includes('closed'))
  // Without the limit all descriptors may go to clients, and none is left for the gateway.
  if (maxConnections === undefined) assert.ok(outcomes.includes('served'))
  for (const socket of many) socket.destroy()
  const endsAtMs = performance.now() + 10_000
  while ((await outcome(ask())) !== 'served') assert.ok(performance.now() < endsAtMs)
  assert.equal(proxy.exitCode, null)
  assert.ok(warnings.length < 10, `${warnings.length} warnings`)
}

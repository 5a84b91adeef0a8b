import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { basic, createGatewayClient } from '../../client/src/index.ts'
import { freePort, python, root } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'

// `npm run demo`, as somebody types it, with what it prints.

const readyMs = 120_000
const folders = () => globSync(join(tmpdir(), 'dask-gateway-demo-*'))

function startDemo(port: number) {
  const child = spawn('npm', ['run', 'demo', '--', String(port)], {
    cwd: root,
    // A terminal's Ctrl-C reaches npm and all below it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DASK_GATEWAY_TEST_PYTHON: python },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  const closed = once(child, 'close')
  const interrupt = () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGINT')
    } catch {
      // It has ended.
    }
  }
  after(interrupt)
  return { child, closed, interrupt, output: () => output }
}

test('npm run demo shows three clusters in their states in a minute, and Ctrl-C leaves nothing', async (t) => {
  const before = folders()
  const port = await freePort()
  const begunAt = performance.now()
  const demo = startDemo(port)
  const isReady = () => demo.output().includes('Ctrl-C ends all of it')
  await waitFor('the demo', async () => isReady() || demo.child.exitCode !== null, readyMs)
  assert.ok(isReady(), demo.output())
  t.diagnostic(`ready after ${Math.round((performance.now() - begunAt) / 1000)} s`)
  const told = (pattern: RegExp) => pattern.exec(demo.output())?.[1] ?? ''
  const address = told(/The page is at\s+(\S+)/)
  assert.equal(address, `http://127.0.0.1:${port}`)
  const auth = (name: string) => basic(name, told(/password\s+(\S+)/))
  const user = createGatewayClient({ address, auth: auth(told(/user\s+(\S+)/)) })
  const administrator = createGatewayClient({ address, auth: auth(told(/administrator\s+(\S+)/)) })

  const { clusters } = await user.clusters()
  assert.deepEqual(clusters.map(({ status }) => status).sort(), ['FAILED', 'PENDING', 'RUNNING'])
  await waitFor(
    'two workers',
    async () => (await user.clusters()).clusters.some(({ workers }) => workers.running === 2),
    60_000,
  )
  assert.equal((await administrator.admin.health()).status, 'pass')
  const page = await fetch(`${address}/`)
  assert.match(await page.text(), /<title>Dask gateway/)

  // While it runs, a second one on its port says what is in the way.
  const second = startDemo(port)
  await second.closed
  assert.notEqual(second.child.exitCode, 0)
  assert.match(second.output(), new RegExp(`${port}.*(in use|already|taken)`, 'i'))

  demo.interrupt()
  await demo.closed
  assert.match(demo.output(), /stopping the clusters and the gateway/)
  assert.deepEqual(folders(), before)
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
})

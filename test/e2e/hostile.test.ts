import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from './harness.ts'

// What hostile connections cost, with the whole gateway. They come from 127.0.0.1; others, who must be served meanwhile, from
// 127.0.0.2, since the proxy counts by address.
const directory = workingDirectory('hostile')
let gateway: RunningGateway
let port: number

before(async () => {
  port = await freePort()
  gateway = await startGateway({
    directory: directory.path,
    port,
    config: 'c.LocalClusterConfig.scheduler_cmd = ["sh", "-c", "exec sleep 1000"]\n',
  })
})
after(async () => {
  keepLog('hostile', gateway.log())
  assert.equal(await gateway.stop(), 0)
  directory.remove()
})

/** How long a well-behaved request takes now, in milliseconds. */
async function served(): Promise<number> {
  const begun = performance.now()
  const outgoing = request({
    port,
    host: '127.0.0.1',
    localAddress: '127.0.0.2',
    path: '/api/health',
    agent: false,
    timeout: 10_000,
  })
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s'))).end()
  const [response] = await once(outgoing, 'response')
  assert.equal(response.statusCode, 200)
  response.resume()
  return performance.now() - begun
}

function memoryMiB(): { readonly gateway: number; readonly proxy: number } {
  const record = JSON.parse(
    readFileSync(join(directory.path, 'dask_gateway.sqlite.d', 'proxy.json'), 'utf8'),
  ) as { pid: number }
  const residentOf = (pid: number) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  return { gateway: residentOf(gateway.pid), proxy: residentOf(record.pid) }
}

/** Says what memory was and is; fails when a process grew by more than `limitMiB`. */
function assertFlat(
  context: TestContext,
  before: ReturnType<typeof memoryMiB>,
  limitMiB: number,
): void {
  const now = memoryMiB()
  const shown = (memory: typeof now) =>
    `gateway ${memory.gateway.toFixed(0)} MiB, proxy ${memory.proxy.toFixed(0)} MiB`
  context.diagnostic(`before: ${shown(before)}; now: ${shown(now)}`)
  assert.ok(now.gateway - before.gateway < limitMiB && now.proxy - before.proxy < limitMiB)
}

function open(): Socket {
  const socket = connect({ port, host: '127.0.0.1' })
  return socket.on('error', () => {}).resume()
}

const isOver = (socket: Socket) => socket.destroyed || socket.readableEnded

/** Resolves when the other side has ended all of them. */
async function ended(sockets: readonly Socket[], limitMs: number): Promise<void> {
  await waitFor('the connections to be ended', () => sockets.every(isOver), limitMs)
  for (const socket of sockets) socket.destroy()
}

test('2,000 silent connections are ended in time, and others are served meanwhile', async (context) => {
  const memory = memoryMiB()
  const sockets = Array.from({ length: 2000 }, open)
  await waitFor(
    'them to be open or refused',
    () => sockets.every((socket) => !socket.connecting),
    20_000,
  )
  const times = []
  for (let i = 0; i < 20; i++) times.push(await served())
  const slowest = Math.max(...times)
  context.diagnostic(`slowest of 20 requests: ${slowest.toFixed(0)} ms`)
  assert.ok(slowest < 3000)
  assertFlat(context, memory, 150)
  await ended(sockets, 30_000)
})

test('one byte a second, half a hello and no end of headers are ended in time', async () => {
  const head = 'GET /api/health HTTP/1.1\r\nHost: x\r\n'
  const begins = ['\x16', '\x16\x03\x01\x02\x00\x01', 'G', head]
  const sockets = begins.map((begin) => {
    const socket = open()
    socket.write(begin, 'latin1')
    const drip = setInterval(() => socket.write('\x01', 'latin1'), 1000)
    return socket.on('close', () => clearInterval(drip)).on('end', () => clearInterval(drip))
  })
  await served()
  await ended(sockets, 45_000)
})

test('floods of headers and of bodies cost no memory', async (context) => {
  const memory = memoryMiB()
  const floods = [
    'GET / HTTP/1.1\r\n',
    'POST /api/v1/clusters/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n',
  ].map(async (begin) => {
    const socket = open()
    socket.write(begin)
    const line = Buffer.from('X-Header: '.padEnd(1022, 'x').concat('\r\n').repeat(64))
    for (let sent = 0; sent < 256 * 2 ** 20 && !isOver(socket); sent += line.length)
      if (!socket.write(line))
        await Promise.race([
          once(socket, 'drain'),
          once(socket, 'close'),
          once(socket, 'end'),
        ]).catch(() => {})
    socket.destroy()
  })
  await served()
  await Promise.all(floods)
  await served()
  assertFlat(context, memory, 150)
})

test('a tunnel whose reader sleeps holds the sender back, and a gigabyte goes through a little memory', async (context) => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const name = await clusterAt((server.address() as AddressInfo).port)
    const memory = memoryMiB()
    const accepted = once(server, 'connection')
    const sender = await tunnel(name)
    const [reader] = (await accepted) as [Socket]
    const chunk = Buffer.alloc(1 << 20)
    const total = 1024 * chunk.length
    let sent = 0
    const sending = (async () => {
      for (; sent < total; sent += chunk.length)
        if (!sender.write(chunk)) await once(sender, 'drain')
      sender.end()
    })()
    // It goes on until all buffers on the way are full; then nothing more is taken.
    let last = -1
    await waitFor('the sender to be held back', async () => {
      await served()
      const stands = sent === last
      last = sent
      return stands && sender.writableNeedDrain
    })
    assert.ok(sent < 64 * chunk.length, `${sent} bytes were taken though nobody read`)
    assertFlat(context, memory, 100)
    let received = 0
    reader.on('data', (data) => {
      received += data.length
    })
    reader.resume()
    await Promise.all([sending, once(reader, 'end')])
    assert.ok(received >= total)
    assertFlat(context, memory, 100)
    reader.destroy()
    sender.destroy()
  } finally {
    server.close()
  }
})

test('descriptors used up: it degrades, and is well again when they are back', async () => {
  const small = workingDirectory('few-descriptors')
  const ownPort = await freePort()
  const few = await startGateway({
    directory: small.path,
    port: ownPort,
    by: ['sh', '-c', 'ulimit -n 160; exec "$@"', 'sh', join(root, 'test/e2e/as-nobody')],
  })
  try {
    const sockets = Array.from({ length: 400 }, () => {
      const socket = connect({ port: ownPort, host: '127.0.0.1' })
      socket.on('error', () => {}).resume()
      socket.write('GET /api/health HTTP/1.1\r\nHost: x\r\n')
      return socket
    })
    await waitFor('them to be open or refused', () => sockets.every((socket) => !socket.connecting))
    for (const socket of sockets) socket.destroy()
    const healthy = () => fetch(`${few.address}/api/health`).then((response) => response.ok)
    await waitFor('it to serve again', () => healthy().catch(() => false), 30_000)
  } finally {
    assert.equal(await few.stop(), 0)
    keepLog('hostile-descriptors', few.log())
    small.remove()
  }
})

/** A running cluster whose scheduler is said to be at a port of this test. */
async function clusterAt(schedulerPort: number): Promise<string> {
  const headers = { authorization: `Basic ${Buffer.from('alice:').toString('base64')}` }
  const url = `${gateway.address}/api/v1/clusters/`
  const created = await fetch(url, { method: 'POST', headers, body: '{}' })
  const { name } = (await created.json()) as { name: string }
  const clusters = join(directory.path, 'dask_gateway.sqlite.d', 'clusters')
  const token = await waitFor('the token', () => {
    const folder = readdirSync(clusters, { recursive: true, encoding: 'utf8' }).find(
      (path) => path.includes(name) && path.endsWith('.certs/token'),
    )
    return folder === undefined ? null : readFileSync(join(clusters, folder), 'utf8')
  })
  const body = JSON.stringify({
    scheduler_address: `tls://127.0.0.1:${schedulerPort}`,
    dashboard_address: '',
    api_address: `http://127.0.0.1:${schedulerPort}`,
    count: 0,
    active_workers: [],
    closing_workers: [],
    closed_workers: [],
  })
  const beat = () =>
    fetch(`${url}${name}/heartbeat`, {
      method: 'POST',
      headers: { authorization: `token ${token}` },
      body,
    })
  assert.equal((await beat()).status, 200)
  await waitFor('RUNNING', async () => {
    const report = (await (await fetch(url + name, { headers })).json()) as { status: string }
    return report.status === 'RUNNING'
  })
  return name
}

/** A connection that has said a real TLS hello for a cluster; what follows is not TLS, for the proxy does not look. */
async function tunnel(clusterName: string): Promise<Socket> {
  const recorder = createServer().listen(0, '127.0.0.1')
  await once(recorder, 'listening')
  const tls = connectTls({
    host: '127.0.0.1',
    port: (recorder.address() as AddressInfo).port,
    servername: `daskgateway-${clusterName}`,
  }).on('error', () => {})
  const [peer] = (await once(recorder, 'connection')) as [Socket]
  const [hello] = (await once(peer, 'data')) as [Buffer]
  tls.destroy()
  peer.destroy()
  recorder.close()
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
  socket.write(hello)
  return socket
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { link, stat, unlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  answers,
  answerTo,
  askPrivate,
  askPublic,
  basic,
  connectAsUser,
  health,
  loginOptions,
  proxyHeader,
  readUntil,
  startTestApi,
  userAddress,
} from '../../test/support/test-api.ts'
import { openSocketDoor, openTcpDoor } from './index.ts'

test('pipelined requests that come with the header in one piece are all answered', async (t) => {
  const it = await startTestApi(t)
  const socket = connect(it.socketPath)
  socket.write(Buffer.concat([proxyHeader(), Buffer.from(health.repeat(3))]))
  await readUntil(socket, answers(3))
  socket.write(health)
  await readUntil(socket, answers(1))
  socket.destroy()
})

test('a header and a request that come byte by byte are understood', async (t) => {
  const it = await startTestApi(t)
  const socket = connect(it.socketPath)
  socket.setNoDelay(true)
  for (const byte of Buffer.concat([proxyHeader(), Buffer.from(health)])) {
    socket.write(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  await readUntil(socket, answers(1))
  socket.destroy()
})

test('without a PROXY header nobody comes in by the socket', async (t) => {
  const it = await startTestApi(t)
  for (const bytes of [
    health,
    '\r\n\r\nGET / HTTP/1.1\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
  ]) {
    const socket = connect(it.socketPath)
    socket.write(bytes)
    assert.equal(await readUntil(socket, () => false), '')
  }
})

test('the socket is ours alone, and the one of a dead gateway is replaced', async (t) => {
  const it = await startTestApi(t)
  assert.equal((await stat(it.socketPath)).mode & 0o777, 0o600)
  assert.equal((await stat(join(it.directory, 'run'))).mode & 0o777, 0o700)
  await assert.rejects(openSocketDoor(it.socketPath), /Another gateway listens/)

  const path = join(it.directory, 'run', 'stale.sock')
  const dead = createServer().listen(path)
  await once(dead, 'listening')
  // Its file stays although nobody listens any more, as after `kill -9`.
  await link(path, `${path}.kept`)
  dead.close()
  await once(dead, 'close')
  const door = await openSocketDoor(`${path}.kept`)
  door.stopAccepting()
  await unlink(`${path}.kept`).catch(() => {})

  const file = join(it.directory, 'run', 'file')
  await writeFile(file, 'precious')
  await assert.rejects(openSocketDoor(file), /is no socket/)
  await assert.rejects(openSocketDoor(join(it.directory, 'x'.repeat(120))), /longer than the 107/)
})

test('a port that is taken is named', async (t) => {
  const it = await startTestApi(t)
  await assert.rejects(openTcpDoor({ host: '127.0.0.1', port: it.privatePort }), {
    code: 'configuration',
    message: `Cannot listen on 127.0.0.1:${it.privatePort} (DaskGateway.address): another program listens there.`,
  })
})

test('trusted proxies may say for whom they speak, others not', async (t) => {
  const it = await startTestApi(t, { trustedProxies: [`${userAddress}/32`, '10.0.0.0/8'] })
  const created = await askPublic(it, '/api/v1/clusters/', {
    method: 'POST',
    headers: basic('alice'),
    body: '{}',
  })
  const { name } = created.json as { name: string }
  const heartbeat = JSON.stringify({
    scheduler_address: 'tls://x:1',
    dashboard_address: '',
    api_address: 'http://x:1',
    count: 0,
    active_workers: [],
    closing_workers: [],
    closed_workers: [],
  })
  const sourceOf = async (from: string, forwarded: string) => {
    await answerTo(
      `/api/v1/clusters/${name}/heartbeat`,
      {
        method: 'POST',
        headers: { authorization: `token token-of-${name}`, 'x-forwarded-for': forwarded },
        body: heartbeat,
      },
      { createConnection: () => connectAsUser(it, from) },
    )
    return it.heartbeats.at(-1)?.source
  }
  assert.equal(await sourceOf(userAddress, '1.1.1.1, 198.51.100.4, 10.1.2.3'), '198.51.100.4')
  assert.equal(await sourceOf(userAddress, 'nonsense'), userAddress)
  assert.equal(await sourceOf('192.0.2.1', '198.51.100.4'), '192.0.2.1')
  const secure = await askPublic(it, '/api/v1/options', {
    headers: { ...basic('alice'), 'x-forwarded-proto': 'https' },
  })
  assert.match(String(secure.headers['set-cookie']), /; Secure$/)
})

test('a connection that says nothing is closed after ten seconds', async (t) => {
  const it = await startTestApi(t)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const first of [Buffer.alloc(0), proxyHeader().subarray(0, 20), proxyHeader()]) {
    const silent = connect(it.socketPath)
    await once(silent, 'connect')
    if (first.length > 0) silent.write(first)
    // Answered after the silent one was taken.
    assert.equal((await askPublic(it, '/livez')).status, 200)
    t.mock.timers.tick(9_999)
    assert.equal(silent.closed, false)
    t.mock.timers.tick(1)
    assert.equal(await readUntil(silent, () => false), '')
  }
})

test('an ordered stop ends what waits, and what is idle', async (t) => {
  const it = await startTestApi(t)
  const headers = basic('alice')
  await askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body: '{}' })
  const name = '1'.padStart(32, '0')
  const waits = askPublic(it, `/api/v1/clusters/${name}?wait`, { headers })
  // Taken before the one that is answered.
  const silent = connectAsUser(it)
  await once(silent, 'connect')
  const idle = connectAsUser(it)
  idle.write(health)
  await readUntil(idle, answers(1))
  while (it.waiting.size === 0) await new Promise(setImmediate)
  const ended = Promise.all([once(idle, 'close'), once(silent, 'close')])
  idle.resume()
  silent.resume()
  await it.stop()
  assert.equal(((await waits).json as { status: string }).status, 'PENDING')
  await ended
  await assert.rejects(askPrivate(it, '/api/health'), /ECONNREFUSED/)
})

test('dashboards and their WebSockets go to their handlers, without the prefix', async (t) => {
  const seen: string[] = []
  const it = await startTestApi(t, {
    prefix: '/gateway',
    login: { ...loginOptions, dashboardOrigin: 'http://dash.test' },
    dashboards: {
      handleRequest(request, response, client) {
        seen.push(`${request.method} ${request.url} ${client.address}`)
        response.end('dashboard')
      },
      handleUpgrade(request, socket, head, client) {
        seen.push(`upgrade ${request.url} ${client.address} ${head.length}`)
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nhello')
      },
    },
  })
  assert.equal((await askPublic(it, '/gateway/clusters/c/status')).text, 'dashboard')
  const upgrade = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
  const socket = connectAsUser(it)
  socket.write(upgrade('/gateway/clusters/c/status/ws'))
  assert.match(await readUntil(socket, (text) => text.endsWith('hello')), /^HTTP\/1.1 101 /)
  assert.deepEqual(seen, [
    `GET /clusters/c/status ${userAddress}`,
    `upgrade /clusters/c/status/ws ${userAddress} 0`,
  ])
  const plain = connectAsUser(it)
  plain.write(upgrade('/gateway/api/health'))
  await readUntil(plain, answers(1))
  plain.destroy()
  assert.equal((await askPrivate(it, '/clusters/c/status')).status, 404)
  const there = { headers: { host: 'Dash.test:8000' } }
  for (const path of ['/api/health', '/login', '/'])
    assert.equal((await askPublic(it, `/gateway${path}`, there)).status, 404)
  assert.equal(seen.length, 2)
})

test('the checks of node:http begin although nothing listens', async (t) => {
  // What http-server.ts relies on when it emits 'listening' by hand: a silent connection is cut.
  const server = createHttpServer({ headersTimeout: 50, connectionsCheckingInterval: 20 })
  server.emit('listening')
  const pipe = createServer((socket) => server.emit('connection', socket))
  pipe.listen(0, '127.0.0.1')
  await once(pipe, 'listening')
  t.after(() => {
    pipe.close()
    server.close()
  })
  const address = pipe.address()
  assert.ok(typeof address === 'object' && address !== null)
  const socket = connect(address.port, '127.0.0.1')
  assert.match(await readUntil(socket, () => false), /^HTTP\/1.1 408 /)
})

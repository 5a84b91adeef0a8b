import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import {
  clusterName,
  cookieName,
  dashboardKey,
  exchange,
  startBoth,
} from '../../test/support/fake-dashboard.ts'

const base = `/clusters/${clusterName}`
const handshake = (path: string, ...headers: string[]) =>
  [
    `GET ${path} HTTP/1.1`,
    ...['Host: gateway', 'Connection: keep-alive, Upgrade', 'Upgrade: WebSocket'],
    ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', ...headers],
    ...['', ''],
  ].join('\r\n')
const accepted = 'HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'

/** A dashboard that answers an upgrade as told. */
function webSocketServer(open: (request: IncomingMessage, socket: Duplex, head: Buffer) => void) {
  return createServer((_, response) => response.writeHead(400).end()).on('upgrade', open)
}

function dial(url: string, bytes: string): Socket {
  const socket = connect({
    port: Number(new URL(url).port),
    host: '127.0.0.1',
    allowHalfOpen: true,
  })
  socket.setEncoding('latin1').write(bytes, 'latin1')
  return socket
}

async function readUntil(socket: Socket, wanted: RegExp): Promise<string> {
  let all = ''
  while (!wanted.test(all)) {
    const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
    all += chunk
  }
  return all
}

test('bytes pass both ways from the first, with the subprotocols and without our secrets', async () => {
  let seen: IncomingMessage | undefined
  await using both = await startBoth(
    webSocketServer((request, socket) => {
      seen = request
      socket.write(`${accepted}Sec-WebSocket-Protocol: bokeh\r\nSet-Cookie: a=b\r\n\r\nearly`)
      socket.pipe(socket)
    }),
  )
  const socket = dial(
    both.url,
    `${handshake(
      `${base}/~x/status/ws?a=1`,
      ...[
        'Sec-WebSocket-Protocol: bokeh, token',
        'Cookie: c=1',
        'Authorization: x',
        'Origin: null',
      ],
    )}first`,
  )
  const answer = await readUntil(socket, /first/)
  assert.match(answer, /^HTTP\/1\.1 101 [\s\S]*\r\n\r\nearlyfirst$/)
  assert.match(answer, /Sec-WebSocket-Protocol: bokeh\r\n/)
  assert.doesNotMatch(answer, /Set-Cookie/i)
  assert.equal(seen?.url, '/status/ws?a=1')
  assert.equal(seen?.headers['sec-websocket-protocol'], 'bokeh, token')
  assert.equal(seen?.headers.origin, 'null')
  assert.equal(seen?.headers.upgrade, 'websocket')
  for (const name of ['cookie', 'authorization']) assert.equal(seen?.headers[name], undefined)
  socket.write('\x89\x00ping')
  await readUntil(socket, /ping/)
  // The dashboard ends when the browser does, and what it still had to say arrives.
  socket.end('last')
  await readUntil(socket, /last/)
  await once(socket, 'end')
  socket.destroy()
})

test('when one side breaks, the other is closed', async () => {
  const opened: Duplex[] = []
  await using both = await startBoth(
    webSocketServer((_, socket) => {
      opened.push(socket.on('error', () => {}))
      socket.write(`${accepted}\r\n`)
    }),
  )
  const first = dial(both.url, handshake(`${base}/ws`))
  await readUntil(first, /\r\n\r\n/)
  opened[0]?.destroy()
  await once(first.resume(), 'end')
  first.destroy()
  const second = dial(both.url, handshake(`${base}/ws`))
  await readUntil(second, /\r\n\r\n/)
  second.resetAndDestroy()
  const [, there] = opened
  assert.ok(there)
  if (!there.resume().readableEnded) await once(there, 'end')
})

test('what is no WebSocket is not opened', async () => {
  let reached = 0
  await using both = await startBoth(webSocketServer(() => reached++))
  const path = `${base}/ws`
  for (const bytes of [
    handshake(path).replace('GET', 'POST'),
    handshake(path).replace('WebSocket', 'h2c'),
    handshake(path, 'Content-Length: 5'),
    handshake(path, 'Transfer-Encoding: chunked'),
  ])
    assert.match(await exchange(both.url, bytes), /^HTTP\/1\.1 400 /)
  assert.equal(reached, 0)
  assert.match(await exchange(both.url, handshake('/clusters/none/ws')), /^HTTP\/1\.1 404 /)
})

test('a refusal of the dashboard, another protocol and silence', async () => {
  const answers: [string, RegExp][] = [
    ['HTTP/1.1 403 No\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\nhey', /^HTTP\/1\.1 403 /],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 502 /],
    ['HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', /^HTTP\/1\.1 502 /],
    ['', /^HTTP\/1\.1 502 /],
  ]
  for (const [bytes, expected] of answers) {
    await using both = await startBoth(
      webSocketServer((_, socket) => void (bytes === '' ? socket.destroy() : socket.write(bytes))),
      { limits: { connectTimeoutMs: 500, answerTimeoutMs: 500 } },
    )
    const answer = await exchange(both.url, handshake(`${base}/ws`))
    assert.match(answer, expected)
    assert.doesNotMatch(answer, /Set-Cookie/i)
  }
})

test('a pass is needed, and a cookie is none', async () => {
  await using both = await startBoth(
    webSocketServer((_, socket) => socket.end(`${accepted}\r\n`)),
    { auth: 'login' },
  )
  const ask = (...headers: string[]) => exchange(both.url, handshake(`${base}/ws`, ...headers))
  assert.match(await ask(), /^HTTP\/1\.1 401 /)
  assert.match(await ask('Cookie: dask-gateway-test=alice'), /^HTTP\/1\.1 401 /)
  assert.match(await ask('Authorization: user bob'), /^HTTP\/1\.1 403 /)
  assert.match(await ask('Authorization: user alice'), /^HTTP\/1\.1 101 /)
})

test('the pages of a dashboard are its own to it, and pages of others stay foreign', async () => {
  const origins: (string | undefined)[] = []
  await using both = await startBoth(
    webSocketServer((request, socket) => {
      origins.push(request.headers.origin)
      socket.end(`${accepted}\r\n`)
    }),
    { auth: 'link' },
  )
  const path = `${base}/~${dashboardKey}/eventstream`
  for (const origin of ['null', 'http://gateway', 'https://evil.example'])
    await exchange(both.url, handshake(path, `Origin: ${origin}`))
  const hijack = handshake(`${base}/eventstream`, 'Origin: null', 'Authorization: user alice')
  assert.match(await exchange(both.url, hijack), /^HTTP\/1\.1 401 /)
  const own = both.target.address
  assert.deepEqual(origins, [own, own, 'https://evil.example'])
})

test('a cluster has so many and no more, until one is closed', async () => {
  await using both = await startBoth(
    webSocketServer((_, socket) => {
      socket.write(`${accepted}\r\n`)
      socket.on('end', () => socket.end())
      socket.resume()
    }),
    { limits: { webSocketsPerCluster: 1 } },
  )
  const first = dial(both.url, handshake(`${base}/ws`))
  await readUntil(first, /101/)
  assert.match(await exchange(both.url, handshake(`${base}/ws`)), /^HTTP\/1\.1 503 [\s\S]*limit/)
  first.end()
  await once(first.resume(), 'end')
  let answer = ''
  while (!/ 101 /.test(answer)) {
    const next = dial(both.url, handshake(`${base}/ws`))
    answer = await readUntil(next, /\r\n\r\n/)
    next.destroy()
  }
})

test('a logout cuts what is open by that login, and nothing else', async () => {
  const logins = {
    of: (request: IncomingMessage) => String(request.headers['x-login']),
    isOpen: () => true,
  }
  await using both = await startBoth(
    webSocketServer((_, socket) => socket.on('error', () => {}).write(`${accepted}\r\n`)),
    { auth: 'login', logins },
  )
  const [first, other] = ['a'.repeat(43), 'b'.repeat(43)] as const
  const open = async (login: string) => {
    const headers = { cookie: `${cookieName}=alice`, accept: 'text/html', 'x-login': login }
    const entered = await fetch(`${both.url}${base}/ws`, { headers, redirect: 'manual' })
    const path = String(entered.headers.get('location')).replace('/pre', '')
    const socket = dial(both.url, handshake(path))
    await readUntil(socket, /\r\n\r\n/)
    return socket
  }
  const [cut, kept] = [await open(first), await open(other)]
  both.dashboards.loggedOut(first)
  await once(cut, 'end', { signal: AbortSignal.timeout(10_000) })
  assert.equal(kept.readyState, 'open')
  for (const socket of [cut, kept]) socket.destroy()
})

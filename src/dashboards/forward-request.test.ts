import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
} from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { clusterName, exchange, startBoth, targetAt } from '../../test/support/fake-dashboard.ts'

const base = `/clusters/${clusterName}`
const sandbox = 'sandbox allow-scripts allow-popups allow-forms allow-downloads'

test('the dashboard sees the request as its own, without our secrets', async () => {
  let seen: IncomingMessage | undefined
  await using both = await startBoth((request, response) => {
    seen = request
    response.end()
  })
  await exchange(
    both.url,
    [
      `PUT ${base}/~x/a/../%2e%2e/b//?q=%20 HTTP/1.1`,
      ...['Host: gateway.example:8000', 'Cookie: dask-gateway-x=1; other=2', 'cookie: third=3'],
      ...['Authorization: Basic abc', 'X-Forwarded-For: 198.51.100.1', 'X-Forwarded-For: 10.0.0.1'],
      ...['X-Forwarded-Host: evil', 'Proxy-Authorization: x', 'TE: trailers', 'X-Mine: 1'],
      ...['Connection: close, X-Once', 'X-Once: 1', 'Upgrade: h2c', 'Content-Length: 2', '', 'hi'],
    ].join('\r\n'),
  )
  assert.ok(seen)
  assert.equal(seen.method, 'PUT')
  assert.equal(seen.url, '/a/../%2e%2e/b//?q=%20')
  assert.deepEqual(seen.headers, {
    host: both.target.address?.slice('http://'.length),
    'x-mine': '1',
    'content-length': '2',
    'x-forwarded-for': '198.51.100.1, 10.0.0.1, 192.0.2.7',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'gateway.example:8000',
    connection: 'keep-alive',
  })
})

test('an answer keeps its own headers and loses those that rule over the origin', async () => {
  await using both = await startBoth((_request, response) => {
    response.writeHead(418, [
      ...['Content-Type', 'image/svg+xml', 'X-Own', '1', 'ETag', '"e"', 'Refresh', '5'],
      ...['Set-Cookie', 'a=b', 'Set-Cookie', 'c=d', 'Service-Worker-Allowed', '/'],
      ...['Clear-Site-Data', '"*"', 'WWW-Authenticate', 'Basic', 'NEL', '{}', 'Alt-Svc', 'h3=":1"'],
      ...[
        'Strict-Transport-Security',
        'max-age=1',
        'Content-Security-Policy',
        "default-src 'none'",
      ],
      ...['Content-Security-Policy-Report-Only', 'x', 'Referrer-Policy', 'unsafe-url'],
      ...[
        'X-Content-Type-Options',
        'sniff',
        'Report-To',
        '{}',
        'Connection',
        'X-Hop',
        'X-Hop',
        '1',
      ],
    ])
    response.end('<svg/>')
  })
  const response = await fetch(`${both.url}${base}/`)
  assert.equal(response.status, 418)
  assert.equal(await response.text(), '<svg/>')
  const headers = Object.fromEntries(response.headers)
  for (const name of ['date', 'connection', 'keep-alive', 'transfer-encoding']) delete headers[name]
  assert.deepEqual(headers, {
    ...{ 'content-type': 'image/svg+xml', 'x-own': '1', etag: '"e"', refresh: '5' },
    ...{ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' },
    'content-security-policy': sandbox,
  })
})

test('our own refusals are sandboxed too, and the host of dashboards is not', async () => {
  await using both = await startBoth((_, response) => response.end(), { dashboardHost: 'dash' })
  const policyOf = async (path: string, host: string) => {
    const head = await exchange(
      both.url,
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    )
    return /^content-security-policy: (.*)\r$/im.exec(head)?.[1]
  }
  assert.equal(await policyOf('/clusters/none/', 'gateway'), sandbox)
  assert.equal(await policyOf(`${base}/`, 'gateway'), sandbox)
  assert.equal(await policyOf(`${base}/`, 'dash.example'), sandbox)
  for (const host of ['dash', 'DASH:8000'])
    assert.equal(await policyOf(`${base}/`, host), undefined)
})

test('behind a login, pages of other origins may not show a dashboard in a frame', async () => {
  const framing = "frame-ancestors 'self'"
  for (const [auth, host, expected] of [
    ['login', 'gateway', `${sandbox}; ${framing}`],
    ['login', 'dash', framing],
    ['link', 'gateway', sandbox],
    ['link', 'dash', undefined],
  ] as const) {
    const dashboard: RequestListener = (_, response) =>
      response.writeHead(200, { 'Content-Security-Policy': 'frame-ancestors *' }).end()
    await using both = await startBoth(dashboard, { auth, dashboardHost: 'dash' })
    const answer = await exchange(
      both.url,
      `GET ${base}/ HTTP/1.1\r\nHost: ${host}\r\nAuthorization: user alice\r\nConnection: close\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.equal(/^content-security-policy: (.*)\r$/im.exec(answer)?.[1], expected)
  }
})

test('redirects of the dashboard lead to the dashboard', async () => {
  let location = ''
  await using both = await startBoth((_, response) =>
    response.writeHead(302, { Location: location }).end(),
  )
  const table = [
    ['status', 'status'],
    ['/status?x#y', `/pre${base}/~k/status?x#y`],
    [`${both.target.address}/status?x`, `/pre${base}/~k/status?x`],
    ['//other.example/', '//other.example/'],
    ['/\\other.example/', '/\\other.example/'],
    ['https://dask.org/', 'https://dask.org/'],
    ['http://[', 'http://['],
  ] as const
  for (const [given, expected] of table) {
    location = given
    const response = await fetch(`${both.url}${base}/~k/`, { redirect: 'manual' })
    assert.equal(response.status, 302)
    assert.equal(response.headers.get('location'), expected)
  }
})

test('every method passes with its body, chunked or counted', async () => {
  await using both = await startBoth(async (request, response) => {
    response.end(`${request.method} ${await text(request)}`)
  })
  const url = `${both.url}${base}/x`
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    assert.equal(await (await fetch(url, { method })).text(), `${method} `)
  assert.equal((await fetch(url, { method: 'HEAD' })).status, 200)
  for (const framing of [
    'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'Content-Length: 3\r\n\r\nabc',
  ]) {
    const answer = await exchange(
      both.url,
      `GET ${base}/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${framing}`,
    )
    assert.match(answer, /GET abc/)
  }
})

test('a stream is passed on piece by piece, and its end on either side ends the other', async () => {
  let send: (piece: string) => void = () => {}
  let gone: Promise<unknown> = Promise.resolve()
  await using both = await startBoth((_, response) => {
    response.flushHeaders()
    send = (piece) => response.write(piece)
    gone = once(response, 'close')
  })
  const abort = new AbortController()
  const response = await fetch(`${both.url}${base}/`, { signal: abort.signal })
  const reader = response.body?.getReader()
  for (const piece of ['one', 'two']) {
    send(piece)
    assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), piece)
  }
  abort.abort()
  await gone
})

test('a large answer waits for a slow reader', async () => {
  const size = 64 * 1024 * 1024
  let written = 0
  await using both = await startBoth(async (_, response) => {
    response.writeHead(200, { 'Content-Length': size })
    const piece = Buffer.alloc(1024 * 1024)
    for (; written < size; written += piece.length)
      if (!response.write(piece)) await once(response, 'drain')
    response.end()
  })
  const outgoing = httpRequest(`${both.url}${base}/`).end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  await once(incoming, 'readable')
  let before = -1
  // Nothing is read here: what is written settles at what sockets and buffers hold.
  while (before !== written) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  assert.ok(written < size, `all ${written} bytes were taken in at once`)
  let received = 0
  for await (const chunk of incoming) received += (chunk as Buffer).length
  assert.equal(received, size)
})

test('an answer that is cut short is cut short for the reader', async () => {
  await using both = await startBoth((_, response) => {
    response.writeHead(200, { 'Content-Length': 10 })
    response.write('half', () => response.destroy())
  })
  await assert.rejects(fetch(`${both.url}${base}/`).then((response) => response.text()))
})

/** A dashboard that answers each connection with these bytes. */
async function rawServer(answer: (socket: Socket) => void) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    answer(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address, [Symbol.dispose]: () => void server.close() }
}

test('a dashboard that is dead, dumb, mad or slow gives 502 or 504 and a sentence without its address', async () => {
  const sent = (bytes: string) => (socket: Socket) =>
    void socket.once('data', () => socket.end(bytes, 'latin1'))
  const table: [(socket: Socket) => void, number, RegExp][] = [
    [(socket) => socket.destroy(), 502, /it closed the connection/],
    [sent(''), 502, /it closed the connection/],
    [sent('SSH-2.0-x\r\n'), 502, /not proper HTTP/],
    [sent(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`), 502, /not proper HTTP/],
    [sent('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'), 502, /not proper/],
    [sent('HTTP/1.1 101 X\r\n\r\n'), 502, /answered with the status 101/],
    [sent('HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n'), 502, /answered with the status 999/],
    [sent('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'), 502, /./],
    [() => {}, 504, /its answer took more than/],
  ]
  for (const [answer, status, sentence] of table) {
    using raw = await rawServer(answer)
    await using both = await startBoth(createServer(), {
      findDashboard: () => targetAt(raw.address),
      limits: { connectTimeoutMs: 100, answerTimeoutMs: 200 },
    })
    const response = await fetch(`${both.url}${base}/`)
    const body = await response.text()
    assert.equal(response.status, status, body)
    assert.match(JSON.parse(body).error, sentence)
    assert.ok(!body.includes('127.0.0.1'))
    assert.equal(response.headers.get('content-security-policy'), sandbox)
  }
  await using both = await startBoth(createServer(), {
    findDashboard: () => targetAt('http://127.0.0.1:1'),
  })
  const dead = await fetch(`${both.url}${base}/`, { headers: { accept: 'text/html' } })
  assert.equal(dead.status, 502)
  assert.match(await dead.text(), /^The dashboard .*: nothing listens at its address/)
})

test('a connection that the dashboard has closed meanwhile is not the visitor trouble', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  let requests = 0
  // Answers once and drops the connection when it is used again.
  using raw = await rawServer((socket) =>
    socket.once('data', () => {
      requests++
      socket.write(answer)
      socket.once('data', () => socket.destroy())
    }),
  )
  await using both = await startBoth(createServer(), { findDashboard: () => targetAt(raw.address) })
  for (let turn = 0; turn < 2; turn++)
    assert.equal(await (await fetch(`${both.url}${base}/`)).text(), 'ok')
  assert.equal(requests, 2)
})

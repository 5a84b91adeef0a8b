import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { askPublic, basic, connectAsUser, startTestApi } from '../../test/support/test-api.ts'

const headers = { ...basic('alice'), 'content-type': 'application/json' }
const first = '1'.padStart(32, '0')
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

test('bodies that are no good are refused in words', async (t) => {
  const it = await startTestApi(t)
  const create = (body: string | Buffer) =>
    askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body })
  for (const [body, status, text] of [
    ['', 422, /^The request body is not JSON: it is empty$/],
    ['{"cluster_options": ', 422, /^The request body is not JSON$/],
    ['nonsense secret', 422, /^The request body is not JSON$/],
    [Buffer.from([0x22, 0xff, 0x22]), 422, /not valid UTF-8$/],
    ['[]', 422, /must be a JSON object$/],
    ['null', 422, /must be a JSON object$/],
    ['"text"', 422, /must be a JSON object$/],
    [`{"cluster_options": ${nested(40)}}`, 422, /nested deeper than 32 levels$/],
    [`{"cluster_options": ${nested(400_000)}}`, 422, /nested deeper than 32 levels$/],
    ['{"cluster_options": {"__proto__": {"admin": true}}}', 422, /"__proto__"/],
    ['{"cluster_options": []}', 422, /^options must be a dict, got 'list'$/],
    [`{"cluster_options": "${'x'.repeat(1024 * 1024)}"}`, 413, /^The request body is too large$/],
  ] as const) {
    const answer = await create(body)
    assert.equal(answer.status, status, String(body).slice(0, 60))
    assert.match((answer.json as { error: string }).error, text)
  }
  assert.equal((await create('{}')).status, 201)
})

test('scale and adapt take whole numbers only', async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body: '{}' })
  it.show(first, 'RUNNING')
  for (const [count, shown] of [
    ['-1', '-1'],
    ['1.5', '1.5'],
    ['null', 'None'],
    ['true', 'True'],
    ['"2"', '2'],
    ['[1]', '[1]'],
    ['1e300', '1e+300'],
  ]) {
    const answer = await askPublic(it, `/api/v1/clusters/${first}/scale`, {
      method: 'POST',
      headers,
      body: `{"count": ${count}}`,
    })
    assert.equal(answer.status, 422)
    assert.deepEqual(answer.json, {
      error: `Scale expects a non-negative integer, got ${shown}`,
      code: 'invalid',
    })
  }
  for (const body of ['{"minimum": -1}', '{"maximum": "a"}', '{"active": 1}', '{"minimum": 0.5}']) {
    const path = `/api/v1/clusters/${first}/adapt`
    const answer = await askPublic(it, path, { method: 'POST', headers, body })
    assert.equal(answer.status, 422, body)
    assert.match(answer.text, /Adapt expects non-negative integers/)
  }
})

test('an unknown status is named as the client knows it', async (t) => {
  const it = await startTestApi(t)
  for (const [query, text] of [
    ['bogus', "'bogus' is not a valid ClusterStatus"],
    ['running,', "'' is not a valid ClusterStatus"],
    ["it's", '"it\'s" is not a valid ClusterStatus'],
  ]) {
    const answer = await askPublic(it, `/api/v1/clusters/?status=${query}`, { headers })
    assert.equal(answer.status, 422)
    assert.deepEqual(answer.json, { error: text, code: 'invalid' })
  }
})

test('malformed credentials are 401, never 500', async (t) => {
  const it = await startTestApi(t)
  for (const authorization of [
    'Basic',
    'Basic !!!',
    'Basic YWxpY2U=',
    'Bearer x',
    'token',
    `Basic ${Buffer.from('alice:wrong').toString('base64')}`,
    `Basic ${Buffer.from('a\r\nSet-Cookie: x=y:secret').toString('base64')}`,
  ]) {
    const answer = await askPublic(it, '/api/v1/options', { headers: { authorization } })
    assert.equal(answer.status, 401, authorization)
    assert.equal(answer.headers['www-authenticate'], 'Basic')
    assert.equal(answer.statusText, (answer.json as { error: string }).error)
    assert.equal(answer.headers['set-cookie'], undefined)
  }
})

test('what fails inside is a 500 that tells only the request', async (t) => {
  const it = await startTestApi(t)
  const body = '{"cluster_options": {"crash": 1}}'
  const answer = await askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body })
  assert.equal(answer.status, 500)
  assert.ok(!answer.text.includes('secret'))
  const id = String(answer.headers['x-request-id'])
  assert.ok(answer.text.includes(id))
  assert.ok(it.lines.some((line) => line.startsWith('A request failed') && line.includes(id)))
})

test('a failure that a sentence tells whole is one line of the log', async (t) => {
  const it = await startTestApi(t)
  const body = '{"cluster_options": {"fail": 1}}'
  const answer = await askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body })
  assert.equal(answer.status, 500)
  const line = it.lines.find((each) => each.startsWith('A request failed'))
  assert.match(line ?? '', /"error":"the hub does not say"/)
})

test('paths and names that lead nowhere are 404', async (t) => {
  const it = await startTestApi(t, { prefix: '/gateway' })
  for (const path of [
    '/',
    '/api/health',
    '/gatewayx/api/health',
    '/gateway/api/v2/clusters/',
    '/gateway/api/v1/clusters/%2e%2e%2fx',
    '/gateway/api/v1/clusters/%',
    '/gateway/../api/health',
    '/gateway/clusters/x/status',
    `/gateway/api/v1/clusters/${'x'.repeat(5000)}`,
    '/gateway/api/v1/routes',
  ]) {
    const answer = await askPublic(it, path, { headers })
    assert.equal(answer.status, 404, path)
    assert.equal(typeof (answer.json as { error: string }).error, 'string')
  }
  assert.equal((await askPublic(it, '/gateway/api/health')).status, 200)
})

test("other origins' pages may not use the API, nor change anything by a cookie", async (t) => {
  const it = await startTestApi(t)
  const { value } = await it.sessions.create({ name: 'alice', groups: [], admin: false }, 'login')
  const cookie = `test-gateway=${value}`
  const ask = (method: string, extra: { readonly [name: string]: string }) =>
    askPublic(it, '/api/v1/clusters/', {
      method,
      headers: { cookie, ...extra },
      ...(method === 'POST' ? { body: '{}' } : {}),
    })
  for (const [method, extra, status] of [
    ['GET', { 'sec-fetch-site': 'cross-site' }, 403],
    ['GET', { origin: 'null' }, 403],
    ['GET', { 'sec-fetch-site': 'same-site' }, 200],
    ['POST', { 'sec-fetch-site': 'same-site' }, 403],
    ['POST', { origin: 'https://evil.example' }, 403],
    ['POST', { origin: 'http://gateway.test:8001' }, 403],
    ['POST', { origin: 'http://gateway.test:8000' }, 201],
    ['POST', { 'sec-fetch-site': 'same-origin', origin: 'http://gateway.test:8000' }, 201],
    ['POST', {}, 201],
  ] as const) {
    const answer = await ask(method, extra)
    assert.equal(answer.status, status, `${method} ${JSON.stringify(extra)}`)
  }
})

test('a password that the browser remembers is no better than a cookie', async (t) => {
  const it = await startTestApi(t)
  const post = (extra: { readonly [name: string]: string }) =>
    askPublic(it, '/api/v1/clusters/', {
      method: 'POST',
      headers: { ...headers, ...extra },
      body: '{}',
    })
  assert.equal((await post({ origin: 'https://evil.example' })).status, 403)
  assert.equal((await post({ 'sec-fetch-site': 'same-site' })).status, 403)
  assert.equal((await post({ origin: 'http://gateway.test:8000' })).status, 201)
  assert.equal((await post({})).status, 201)
})

test('a path in escapes is guarded as the route that it leads to', async (t) => {
  const it = await startTestApi(t)
  for (const path of ['/%61pi/v1/clusters/', '/api/%761/clusters/']) {
    const guarded = await askPublic(it, path, { headers: { ...headers, origin: 'null' } })
    assert.equal(guarded.status, 403, path)
  }
})

test('an upgrade that is not for a dashboard is answered and the connection closed', async (t) => {
  const it = await startTestApi(t)
  const socket = connectAsUser(it)
  socket.write(
    'GET /clusters/x/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  )
  const [reply] = await once(socket, 'data')
  assert.match(String(reply), /^HTTP\/1.1 404 /)
  // This side is not ended: a door that waits for it would keep the connection for ever.
  await once(socket, 'close')
})

for (const [what, request, status] of [
  [
    'both Content-Length and Transfer-Encoding',
    'POST /api/v1/clusters/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['no Host', 'GET /api/health HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET /api/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400],
  ['no version', 'GET /api/health\r\n\r\n', 400],
  [
    'more headers than are looked at',
    `GET /api/health HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(201)}\r\n`,
    431,
  ],
  ['no HTTP', 'EHLO mail\r\n\r\n', 400],
  ['a bare line feed', 'GET /api/health HTTP/1.1\nHost: x\n\n', 400],
  [
    'headers above 32 KiB',
    `GET /api/health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    431,
  ],
  ['an absolute target', 'GET http://x/api/health HTTP/1.1\r\nHost: x\r\n\r\n', 404],
] as const) {
  test(`the parser is strict: ${what}`, async (t) => {
    const it = await startTestApi(t)
    const socket = connectAsUser(it)
    socket.end(request)
    const [reply] = await once(socket, 'data')
    assert.match(String(reply), new RegExp(`^HTTP/1.1 ${status} `))
    socket.destroy()
  })
}

test('a request that breaks off is no error in the log', async (t) => {
  const it = await startTestApi(t)
  const socket = connectAsUser(it)
  socket.write(
    `POST /api/v1/clusters/ HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\nContent-Length: 4\r\n\r\n{`,
  )
  socket.end()
  await waitFor('its line', () => it.lines.some((line) => line.includes('broke off')))
  assert.ok(!it.lines.some((line) => line.includes('A request failed')))
})

test('a large body is not read before its token is known', async (t) => {
  const it = await startTestApi(t)
  const socket = connectAsUser(it)
  socket.write(
    `POST /api/v1/clusters/${first}/heartbeat HTTP/1.1\r\nHost: x\r\nAuthorization: token wrong\r\nContent-Length: 60000000\r\n\r\n`,
  )
  const [reply] = await once(socket, 'data')
  assert.match(String(reply), /^HTTP\/1.1 401 /)
  assert.match(String(reply), /connection: close/i)
  await once(socket, 'close')
})

test('a known scheduler may send more than others', async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body: '{}' })
  const closed = Array.from({ length: 100_000 }, (_, index) => index.toString(16).padStart(32, '0'))
  const body = JSON.stringify({
    scheduler_address: 'tls://127.0.0.1:1',
    dashboard_address: '',
    api_address: 'http://127.0.0.1:3',
    count: 0,
    active_workers: [],
    closing_workers: [],
    closed_workers: closed,
  })
  const answer = await askPublic(it, `/api/v1/clusters/${first}/heartbeat`, {
    method: 'POST',
    headers: { authorization: `token token-of-${first}` },
    body,
  })
  assert.equal(answer.status, 200)
  assert.equal(it.heartbeats[0]?.heartbeat.closedWorkers.length, 100_000)
})

test('a heartbeat made to be dear to read is refused, and a cluster sends only so many at once', async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/v1/clusters/', { method: 'POST', headers, body: '{}' })
  const url = `/api/v1/clusters/${first}/heartbeat`
  const authorization = `token token-of-${first}`
  const send = (body: string) =>
    askPublic(it, url, { method: 'POST', headers: { authorization }, body })
  const many = '"",'.repeat(1_000_000)
  const wrong = await send(
    `{"scheduler_address":"a","dashboard_address":"","api_address":"a","count":0,"active_workers":[],"closing_workers":[],"closed_workers":[${many}""]}`,
  )
  assert.equal(wrong.status, 422)
  assert.match(wrong.text, /closed_workers is wrong: expected a list of names/)
  assert.ok(wrong.text.length < 200, 'one sentence, not one for each name')
  for (const parts of ['['.repeat(2_000_000), `[${'{},'.repeat(700_000)}1]`]) {
    const answer = await send(parts)
    assert.equal(answer.status, 422)
    assert.match(answer.text, /too many parts/)
  }
  const held = [1, 2].map(() => {
    const socket = connectAsUser(it)
    socket.write(
      `POST ${url} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 60000000\r\n\r\n`,
    )
    return socket
  })
  await waitFor('a refusal', async () => (await send('{}')).status === 503)
  for (const socket of held) socket.destroy()
  await waitFor('its turn', async () => (await send('{}')).status === 422)
})

test('whoever guesses passwords by the header gets slow answers, others do not', async (t) => {
  const it = await startTestApi(t)
  const guess = { headers: basic('alice', 'guess') }
  const timed = async (ask: Promise<unknown>) => {
    const began = performance.now()
    await ask
    return performance.now() - began
  }
  for (let count = 0; count < 20; count++) await askPublic(it, '/api/v1/options', guess)
  assert.ok((await timed(askPublic(it, '/api/v1/options', guess))) >= 490)
  assert.ok((await timed(askPublic(it, '/api/v1/options', { headers }))) < 490)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askPrivate, askPublic, basic, startTestApi } from '../../test/support/test-api.ts'

const alice = basic('alice')
const first = '1'.padStart(32, '0')
const post = (body: unknown, headers: { readonly [name: string]: string } = alice) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
})

test('a bare request is challenged; a header makes a session with the first good answer', async (t) => {
  const it = await startTestApi(t, { prefix: '/services/dask' })
  const path = '/services/dask/api/v1/clusters/'
  const bare = await askPublic(it, path)
  assert.equal(bare.status, 401)
  assert.equal(bare.headers['www-authenticate'], 'Basic')
  assert.deepEqual(bare.json, { error: 'Authentication required', code: 'unauthenticated' })
  assert.equal(bare.statusText, 'Authentication required')
  assert.equal(bare.headers['set-cookie'], undefined)

  const known = await askPublic(it, path, { headers: alice })
  assert.equal(known.status, 200)
  const [cookie = ''] = known.headers['set-cookie'] ?? []
  assert.match(
    cookie,
    /^test-gateway=[0-9a-f]{32}; Max-Age=300; Path=\/services\/dask\/; HttpOnly; SameSite=Lax$/,
  )
  const [pair = ''] = cookie.split(';')
  const again = await askPublic(it, path, { headers: { cookie: `other=1; ${pair}` } })
  assert.equal(again.status, 200)
  assert.equal(again.headers['set-cookie'], undefined)
  const wrong = await askPublic(it, path, { headers: { cookie: 'test-gateway=deadbeef' } })
  assert.equal(wrong.status, 401)
})

test('an answer with an error begins no session', async (t) => {
  const it = await startTestApi(t)
  const missing = await askPublic(it, '/api/v1/clusters/nothing', { headers: alice })
  assert.equal(missing.status, 404)
  assert.equal(missing.headers['set-cookie'], undefined)
})

test('options come as the client needs them', async (t) => {
  const it = await startTestApi(t)
  const { status, json, headers } = await askPublic(it, '/api/v1/options', { headers: alice })
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  assert.deepEqual(json, {
    cluster_options: [
      { field: 'cores', label: 'Cores', default: 1, spec: { type: 'int', min: 1, max: 4 } },
    ],
  })
})

test('a cluster lives: created, listed, waited for, scaled, stopped', async (t) => {
  const it = await startTestApi(t)
  const created = await askPublic(it, '/api/v1/clusters/', post({ cluster_options: null }))
  assert.equal(created.status, 201)
  assert.deepEqual(created.json, { name: first })
  const pending = {
    name: first,
    dashboard_route: null,
    status: 'PENDING',
    start_time: 1_700_000_000_000,
    stop_time: null,
    options: { cores: 1 },
    tls_cert: null,
    tls_key: null,
  }
  const list = async (query = '') =>
    (await askPublic(it, `/api/v1/clusters/${query}`, { headers: alice })).json
  assert.deepEqual(await list(), { [first]: pending })

  const waited = askPublic(it, `/api/v1/clusters/${first}?wait`, { headers: alice })
  while (it.waiting.size === 0) await new Promise(setImmediate)
  it.show(first, 'RUNNING')
  const running = {
    ...pending,
    status: 'RUNNING',
    dashboard_route: `/clusters/${first}/status`,
  }
  assert.deepEqual((await waited).json, { ...running, tls_cert: 'CERTIFICATE', tls_key: 'KEY' })
  assert.deepEqual(await list(), { [first]: running })
  assert.deepEqual(await list('?status=pending,Stopped'), {})
  assert.deepEqual(await list('?status=running'), { [first]: running })

  const scale = (count: unknown) =>
    askPublic(it, `/api/v1/clusters/${first}/scale`, post({ count }))
  assert.deepEqual((await scale(2)).json, { ok: true, msg: null })
  assert.deepEqual((await scale(9)).json, { ok: false, msg: 'Scaling to 4 instead.' })
  const adapted = await askPublic(it, `/api/v1/clusters/${first}/adapt`, post({ maximum: 3 }))
  assert.deepEqual(adapted.json, { ok: true, msg: null })

  const path = `/api/v1/clusters/${first}`
  const stopped = await askPublic(it, path, { method: 'DELETE', headers: alice })
  assert.equal(stopped.status, 204)
  assert.equal(stopped.text, '')
  const after = await askPublic(it, path, { headers: alice })
  assert.deepEqual(after.json, { ...pending, status: 'STOPPED' })
  assert.equal((await scale(1)).status, 409)
})

test("another user's cluster is 403, an unknown one 404, and neither stops", async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/v1/clusters/', post({}))
  const path = `/api/v1/clusters/${first}`
  const text = `User bob lacks permissions to view cluster ${first}`
  for (const [method, suffix] of [
    ['GET', ''],
    ['POST', '/scale'],
    ['POST', '/adapt'],
    ['GET', '/events'],
    ['GET', '/workers'],
    ['GET', '/logs'],
    ['DELETE', ''],
  ] as const) {
    const headers = basic('bob')
    const foreign = await askPublic(it, path + suffix, { method, headers })
    assert.equal(foreign.status, 403, `${method} ${suffix}`)
    assert.deepEqual(foreign.json, { error: text, code: 'forbidden' })
    assert.equal(foreign.statusText, text)
    const unknown = await askPublic(it, `/api/v1/clusters/nothing${suffix}`, { method, headers })
    assert.equal(unknown.status, method === 'DELETE' ? 204 : 404)
    if (method !== 'DELETE')
      assert.deepEqual(unknown.json, { error: 'Cluster nothing not found', code: 'not-found' })
  }
})

test('a scheduler reports and stops by its token, and a wrong one is challenged', async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/v1/clusters/', post({}))
  const path = `/api/v1/clusters/${first}`
  const token = { authorization: `token token-of-${first}` }
  const heartbeat = {
    scheduler_address: 'tls://127.0.0.1:1',
    dashboard_address: '',
    api_address: 'http://127.0.0.1:3',
    count: 1,
    active_workers: ['a'],
    closing_workers: [],
    closed_workers: [],
  }
  const taken = await askPublic(it, `${path}/heartbeat`, post(heartbeat, token))
  assert.equal(taken.status, 200)
  assert.equal(taken.text, '')
  assert.equal(it.heartbeats[0]?.source, '203.0.113.9')
  assert.deepEqual(it.heartbeats[0]?.heartbeat, {
    schedulerAddress: 'tls://127.0.0.1:1',
    dashboardAddress: '',
    apiAddress: 'http://127.0.0.1:3',
    count: 1,
    activeWorkers: ['a'],
    closingWorkers: [],
    closedWorkers: [],
  })
  await askPrivate(it, `${path}/heartbeat`, post(heartbeat, token))
  assert.equal(it.heartbeats[1]?.source, '127.0.0.1')

  for (const headers of [alice, { authorization: 'token wrong' }, { authorization: 'token' }, {}]) {
    const refused = await askPublic(it, `${path}/heartbeat`, post(heartbeat, headers))
    assert.equal(refused.status, 401)
    assert.equal(refused.headers['www-authenticate'], 'token')
  }
  const bad = await askPublic(it, `${path}/heartbeat`, post({ ...heartbeat, count: -1 }, token))
  assert.equal(bad.status, 422)
  assert.match(bad.text, /The heartbeat's count is wrong/)

  const method = 'DELETE'
  const wrong = { authorization: 'token wrong' }
  assert.equal((await askPublic(it, path, { method, headers: wrong })).status, 401)
  assert.equal((await askPublic(it, path, { method, headers: token })).status, 204)
  const { json } = await askPublic(it, path, { headers: alice })
  assert.equal((json as { status: string }).status, 'STOPPED')
})

test('events, workers and logs for the owner', async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/v1/clusters/', post({}))
  const ask = (suffix: string) =>
    askPublic(it, `/api/v1/clusters/${first}/${suffix}`, { headers: alice })
  const event = {
    id: 2,
    time: 1002,
    kind: 'cluster-created',
    message: 'Event 2.',
    worker: null,
    details: {},
  }
  assert.deepEqual((await ask('events?after=1&limit=1')).json, { events: [event] })
  const { workers } = (await ask('workers')).json as { workers: object[] }
  assert.deepEqual(Object.keys(workers[0] ?? {}), [
    'name',
    'status',
    'start_time',
    'stop_time',
    'reason',
  ])
  const log = await ask('logs?tail=2')
  assert.equal(log.text, '<script>\nlast\n')
  assert.equal(log.headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(log.headers['x-content-type-options'], 'nosniff')
  assert.match(String(log.headers['content-disposition']), /^attachment; filename="[0-9a-f]+-sch/)
  const none = await ask('logs?worker=%22evil')
  assert.equal(none.status, 404)
  assert.deepEqual(none.json, {
    error: `Cluster ${first} has no log of worker "evil`,
    code: 'not-found',
  })
  for (const bad of ['events?after=x', 'events?limit=0', 'events?limit=1001', 'logs?tail=-1'])
    assert.equal((await ask(bad)).status, 422, bad)
})

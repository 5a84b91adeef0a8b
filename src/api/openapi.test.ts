import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import {
  type Answer,
  type Ask,
  askPublic,
  basic,
  connectAsUser,
  readUntil,
  startTestApi,
  type TestApi,
} from '../../test/support/test-api.ts'
import { openApiDocument } from './openapi.ts'

const document = openApiDocument('1.2.3', '')
const first = '1'.padStart(32, '0')
const alice = { headers: basic('alice') }
const post = (body: unknown, headers = basic('alice')): Ask => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const token = { authorization: `token token-of-${first}` }
const heartbeat = {
  scheduler_address: 'tls://127.0.0.1:1',
  dashboard_address: '',
  api_address: 'http://127.0.0.1:3',
  count: 0,
  active_workers: [],
  closing_workers: [],
  closed_workers: [],
}

interface Operation {
  readonly responses: {
    readonly [status: string]: {
      readonly content?: { readonly [type: string]: { readonly schema: object } }
    }
  }
}
const paths = document.paths as {
  readonly [path: string]: { readonly [method: string]: Operation }
}

// Where JSON Schema expects what OpenAPI keeps among its components.
const rename = (text: string) => text.replaceAll('#/components/schemas/', '#/$defs/')
const $defs = JSON.parse(rename(JSON.stringify(document.components.schemas)))

/** Holds an answer against what the document says of it. */
function check(path: string, method: string, answer: Answer): void {
  const response = paths[path]?.[method]?.responses[answer.status]
  assert.ok(response !== undefined, `${method} ${path} does not tell of a ${answer.status}`)
  if (answer.headers['content-type']?.startsWith('text/event-stream')) checkEvents(answer.text)
  const content = response.content
  if (content === undefined) {
    assert.equal(answer.text, '')
    return
  }
  const type = String(answer.headers['content-type']).split(';')[0] ?? ''
  const schema = content[type]?.schema
  assert.ok(schema !== undefined, `${method} ${path} does not tell of ${type}`)
  const { $ref } = schema as { readonly $ref?: string }
  const whole = { ...(($ref === undefined ? schema : { $ref: rename($ref) }) as object), $defs }
  const result = z
    .fromJSONSchema(whole as Parameters<typeof z.fromJSONSchema>[0])
    .safeParse(answer.json ?? answer.text)
  assert.ok(result.success, `${method} ${path}: ${result.error?.message}`)
}

const schemaOfEvent: { readonly [event: string]: object } = {
  event: { $ref: '#/$defs/Event' },
  log: { $ref: '#/$defs/LogPiece' },
  snapshot: {
    type: 'object',
    properties: { clusters: { type: 'array', items: { $ref: '#/$defs/ClusterInfo' } } },
    required: ['clusters'],
    additionalProperties: false,
  },
  end: { type: 'object', additionalProperties: false },
}

/** Holds what a stream tells against the shapes that the document names. */
function checkEvents(text: string): void {
  const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)]
  assert.ok(events.length > 0, text)
  for (const [, event = '', data = ''] of events) {
    const schema = { ...schemaOfEvent[event], $defs }
    const result = z
      .fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
      .safeParse(JSON.parse(data))
    assert.ok(event in schemaOfEvent && result.success, `${event}: ${result.error?.message}`)
  }
}

test('every answer is as the document says, and every operation was asked', async (t) => {
  const it = await startTestApi(t, { roles: (user) => ({ ...user, admin: user.name === 'root' }) })
  const cluster = '/api/v1/clusters/{name}'
  const asked = new Set<string>()
  async function ask(path: string, status: number, how: Ask = {}, query = '', name = first) {
    const method = (how.method ?? 'GET').toLowerCase()
    const answer = await askPublic(
      it,
      path.replace(/\{scope\}/, 'group').replace(/\{(?:name|id)\}/, name) + query,
      how,
    )
    assert.equal(answer.status, status, `${method} ${path}`)
    check(path, method, answer)
    asked.add(`${method} ${path}`)
  }
  for (const path of ['/api/health', '/api/version', '/livez', '/readyz']) await ask(path, 200)
  await ask('/api/v1/options', 200, alice)
  await ask('/api/v1/options', 401)
  await ask('/api/v1/clusters/', 201, post({}))
  await ask('/api/v1/clusters/', 422, post('nonsense'))
  await ask('/api/v1/clusters/', 413, post('x'.repeat(1024 * 1024 + 1)))
  await ask('/api/v1/clusters/', 200, alice)
  await ask('/api/v1/clusters/', 422, alice, '?status=bogus')
  await ask(cluster, 200, alice)
  await ask(`${cluster}/scale`, 409, post({ count: 1 }))
  it.show(first, 'RUNNING')
  await ask(cluster, 200, alice, '?wait')
  await ask(`${cluster}/heartbeat`, 200, post(heartbeat, token))
  await ask(`${cluster}/heartbeat`, 422, post({}, token))
  await ask(`${cluster}/heartbeat`, 401, post(heartbeat))
  const masterToken = { authorization: `token master-token-of-${first}` }
  await ask(`${cluster}/am`, 200, post({}, masterToken))
  await ask(`${cluster}/am`, 422, post(null, masterToken))
  await ask(`${cluster}/am`, 401, post({}, token))
  await ask(`${cluster}/am`, 413, post('x'.repeat(4 * 1024 * 1024 + 1), masterToken))
  await ask(`${cluster}/scale`, 200, post({ count: 1 }))
  await ask(`${cluster}/scale`, 200, post({ count: 9 }))
  await ask(`${cluster}/scale`, 422, post({ count: -1 }))
  await ask(`${cluster}/adapt`, 200, post({}))
  await ask(`${cluster}/adapt`, 422, post({ minimum: 'x' }))
  await ask(`${cluster}/events`, 200, alice)
  await ask(`${cluster}/events`, 422, alice, '?after=x')
  await ask(`${cluster}/workers`, 200, alice)
  await ask(`${cluster}/logs`, 200, alice)
  await ask(`${cluster}/logs`, 404, alice, '?worker=x')
  await ask('/api/v1/user', 200, alice)
  await ask('/api/v1/user/clusters', 200, alice, '?status=running&limit=5&search=x')
  await ask('/api/v1/usage', 200, alice, '?by=day,group&from=2026-01-01&to=2026-01-31')
  await ask('/api/v1/usage', 200, alice, '?format=csv')
  for (const wrong of ['by=x', 'from=2026-02-30', 'from=2026-02-02&to=2026-02-01', 'format=x'])
    await ask('/api/v1/usage', 422, alice, `?${wrong}`)
  await ask('/api/v1/user/clusters', 422, alice, '?cursor=x')
  await ask('/api/v1/user/clusters/{name}', 200, alice)
  await ask('/api/v1/user/clusters/{name}', 403, { headers: basic('bob') })
  await ask(`${cluster}/events`, 200, alice, '?follow')
  await ask(`${cluster}/logs`, 200, alice, '?follow')
  await askStream(it, '/api/v1/user/stream', asked)
  const admin = { headers: basic('root') }
  await askTokens(ask, it)
  await askQuotas(ask)
  await ask('/api/v1/admin/usage', 200, admin, '?by=label,user,month&user=alice')
  await ask('/api/v1/admin/usage', 403, alice)
  const ofAny = '/api/v1/admin/clusters/{name}'
  for (const path of ['clusters', 'clusters/{name}', 'events', 'drain', 'health'])
    await ask(`/api/v1/admin/${path}`, 403, alice)
  await ask('/api/v1/admin/clusters', 200, admin, '?user=alice')
  await ask('/api/v1/admin/clusters', 422, admin, '?limit=0')
  await ask(ofAny, 200, admin)
  await ask(ofAny, 404, admin, '', 'nothing')
  await ask(`${ofAny}/events`, 200, admin)
  await ask(`${ofAny}/workers`, 200, admin)
  await ask(`${ofAny}/logs`, 200, admin)
  await ask('/api/v1/admin/events', 200, admin)
  await ask('/api/v1/admin/health', 200, admin)
  const drain = (wanted: unknown) => ({ ...post(wanted, basic('root')), method: 'PUT' })
  await ask('/api/v1/admin/drain', 200, drain({ draining: true, message: 'Maintenance at six' }))
  await ask('/api/v1/admin/drain', 200, admin)
  await ask('/api/v1/admin/drain', 422, drain({ draining: 'x' }))
  await ask(ofAny, 403, { method: 'DELETE', ...alice })
  await ask(ofAny, 204, { method: 'DELETE', ...admin })
  await ask(cluster, 403, { headers: basic('bob') })
  await ask(cluster, 404, alice, '', 'nothing')
  await ask(cluster, 401)
  await ask(cluster, 403, { method: 'DELETE', headers: basic('bob') })
  await ask(cluster, 204, { method: 'DELETE', ...alice })

  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
  assert.deepEqual([...asked].sort(), described.sort())
})

type AskThem = (
  path: string,
  status: number,
  how?: Ask,
  query?: string,
  name?: string,
) => Promise<void>

async function askTokens(ask: AskThem, it: TestApi): Promise<void> {
  const admin = { headers: basic('root') }
  await ask('/api/v1/user/tokens', 201, post({ name: 'notebook', scope: 'read' }))
  await ask('/api/v1/user/tokens', 409, post({ name: 'notebook', scope: 'read' }))
  await ask('/api/v1/user/tokens', 403, post({ name: 'wide', scope: 'admin' }))
  await ask('/api/v1/user/tokens', 422, post({ name: '', scope: 'read' }))
  await ask('/api/v1/user/tokens', 200, alice)
  await ask('/api/v1/admin/tokens', 200, admin, '?user=alice')
  await ask('/api/v1/admin/tokens', 403, alice)
  const { secret, token } = await it.tokens.create(
    { name: 'x', scope: 'read', lifeSeconds: undefined },
    { user: aliceUser, proved: aliceUser, token: null },
  )
  await ask('/api/v1/user', 200, { headers: { authorization: `Bearer ${secret}` } })
  const one = { method: 'DELETE', ...alice }
  await ask('/api/v1/user/tokens/{id}', 204, one, '', token.id)
  await ask('/api/v1/user/tokens/{id}', 404, one, '', token.id)
  const [left] = it.tokens.list('alice')
  await ask('/api/v1/admin/tokens/{id}', 403, one, '', left?.id)
  await ask('/api/v1/admin/tokens/{id}', 204, { ...one, ...admin }, '', left?.id)
  await ask('/api/v1/admin/tokens/{id}', 404, { ...one, ...admin }, '', left?.id)
}

async function askQuotas(ask: AskThem): Promise<void> {
  const admin = { headers: basic('root') }
  const one = '/api/v1/admin/quotas/{scope}/{name}'
  const set = (limits: unknown) => ({ ...post(limits, basic('root')), method: 'PUT' })
  const name = encodeURIComponent('a, b/ü'.repeat(36))
  await ask('/api/v1/quota', 200, alice)
  await ask('/api/v1/quota', 401)
  await ask(one, 200, set({ clusters: 1, cores: null, memory: '2 G' }), '', name)
  await ask(one, 422, set({ clusters: -1 }), '', name)
  await ask(one, 403, { ...set({ clusters: 1 }), ...alice }, '', name)
  await ask('/api/v1/admin/quotas', 200, admin)
  await ask('/api/v1/admin/quotas', 403, alice)
  await ask(one, 204, { method: 'DELETE', ...admin }, '', name)
  await ask(one, 404, { method: 'DELETE', ...admin }, '', name)
}

const aliceUser = { name: 'alice', groups: [], admin: false }

/** A stream that does not end by itself: what it begins with. */
async function askStream(it: TestApi, path: string, asked: Set<string>): Promise<void> {
  const socket = connectAsUser(it)
  const { authorization } = basic('alice')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`)
  const text = await readUntil(socket, (read) => /data: .*\n\n/.test(read))
  socket.destroy()
  assert.match(text, /^HTTP\/1.1 200 [\s\S]*content-type: text\/event-stream/i)
  checkEvents(text)
  asked.add(`get ${path}`)
}

test('the check would notice a member too many', () => {
  const answer: Answer = {
    status: 200,
    statusText: 'OK',
    headers: { 'content-type': 'application/json' },
    text: '',
    json: { version: '1', more: 1 },
  }
  assert.throws(() => check('/api/version', 'get', answer), /more/)
})

test('the gateway serves the document, with its prefix', async (t) => {
  const it = await startTestApi(t, { prefix: '/gateway' })
  const { status, json } = await askPublic(it, '/gateway/api/v1/openapi.json')
  assert.equal(status, 200)
  assert.deepEqual(json, JSON.parse(JSON.stringify(openApiDocument('1.2.3', '/gateway'))))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitFor } from '../../test/fakes/wait-for.ts'
import {
  type Ask,
  askPrivate,
  askPublic,
  basic,
  connectAsUser,
  readUntil,
  startTestApi,
  type TestApi,
} from '../../test/support/test-api.ts'
import type { TokenScope, User } from '../core/index.ts'
import { openApiDocument } from './openapi.ts'

const first = '1'.padStart(32, '0')
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
const withRoot = {
  roles: (user: User) => ({ ...user, admin: user.name === 'root' || user.name === 'boss' }),
}

async function make(
  it: TestApi,
  name: string,
  scope: TokenScope,
  headers: Ask['headers'] = basic('root'),
) {
  const body = JSON.stringify({ name, scope })
  const answer = await askPublic(it, '/api/v1/user/tokens', { method: 'POST', headers, body })
  assert.equal(answer.status, 201, answer.text)
  return answer.json as { readonly secret: string; readonly id: string }
}

test('every route for users keeps to the scope of a token', async (t) => {
  const it = await startTestApi(t, withRoot)
  const tokens = { read: await make(it, 'r', 'read'), manage: await make(it, 'm', 'manage') }
  const post = { method: 'POST', headers: basic('root'), body: '{}' }
  await askPublic(it, '/api/v1/clusters/', post)
  it.show(first, 'RUNNING')
  const { paths } = openApiDocument('1', '')
  let asked = 0
  for (const [path, item] of Object.entries(paths))
    for (const [method, operation] of Object.entries(item as object)) {
      const { security } = operation as { readonly security?: readonly object[] }
      if (security?.some((each) => 'accessToken' in each) !== true) continue
      const isAdmin = path.includes('/admin/')
      const carriesKey = path === '/api/v1/clusters/{name}'
      const isChange = method !== 'get'
      const where = path.replace('{name}', first).replace('{id}', 'nothing')
      const status = async (scope: 'read' | 'manage') =>
        (await statusOf(it, where, method.toUpperCase(), tokens[scope].secret)).status
      assert.equal(
        (await status('read')) === 403,
        isAdmin || carriesKey || isChange,
        `${method} ${path}`,
      )
      assert.equal((await status('manage')) === 403, isAdmin, `${method} ${path}`)
      asked++
    }
  assert.ok(asked > 25)
  assert.equal(
    (await askPublic(it, '/metrics', { headers: bearer(tokens.manage.secret) })).status,
    403,
  )
})

/** Of a stream that goes on, the beginning will do. */
async function statusOf(it: TestApi, path: string, method: string, secret: string) {
  const socket = connectAsUser(it)
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${secret}`]
  socket.write(`${lines.join('\r\n')}\r\nContent-Length: 2\r\n\r\n{}`)
  const text = await readUntil(socket, (read) => read.includes('\r\n\r\n'))
  socket.destroy()
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]) }
}

test('a token of an administrator is one only with its scope, and says what it lacks', async (t) => {
  const it = await startTestApi(t, withRoot)
  const admin = bearer((await make(it, 'a', 'admin')).secret)
  const manage = bearer((await make(it, 'm', 'manage')).secret)
  assert.equal((await askPublic(it, '/api/v1/admin/clusters', { headers: admin })).status, 200)
  assert.equal((await askPublic(it, '/metrics', { headers: admin })).status, 200)
  const refused = await askPublic(it, '/api/v1/admin/clusters', { headers: manage })
  assert.match(
    refused.text,
    /The scope of the token \\"m\\" is \\"manage\\"; this needs \\"admin\\"/,
  )
  const who = await askPublic(it, '/api/v1/user', { headers: manage })
  const user = who.json as { admin: boolean; session: null; token: { scope: string } }
  assert.deepEqual([user.admin, user.session, user.token.scope], [false, null, 'manage'])
  assert.ok(!who.text.includes('dgt_'))
})

test('it comes in three kinds of headers, and with a name only with its own', async (t) => {
  const it = await startTestApi(t)
  const { secret } = await make(it, 'm', 'manage', basic('älice'))
  const ask = async (authorization: string) =>
    (await askPublic(it, '/api/v1/clusters/', { headers: { authorization } })).status
  const encoded = (text: string, encoding: BufferEncoding) =>
    `Basic ${Buffer.from(text, encoding).toString('base64')}`
  assert.equal(await ask(`bearer  ${secret} `), 200)
  assert.equal(await ask(`jupyterhub ${secret}`), 200)
  assert.equal(await ask(encoded(`älice:${secret}`, 'utf8')), 200)
  assert.equal(await ask(encoded(`älice:${secret}`, 'latin1')), 200)
  assert.equal(await ask(encoded(`:${secret}`, 'utf8')), 200)
  for (const name of ['alice', 'Älice', 'a\u0308lice', 'bob'])
    assert.equal(await ask(encoded(`${name}:${secret}`, 'utf8')), 401, name)
  assert.equal(await ask(`token ${secret}`), 401)
  assert.equal(await ask(`Bearer ${secret}x`), 401)
})

test('it begins no session and logs nobody in, and goes before a cookie', async (t) => {
  const it = await startTestApi(t)
  const { secret } = await make(it, 'r', 'read')
  const answer = await askPublic(it, '/api/v1/clusters/', { headers: bearer(secret) })
  assert.equal(answer.headers['set-cookie'], undefined)
  const login = await askPublic(it, '/api/v1/options', { headers: basic('root') })
  const cookie = String(login.headers['set-cookie']?.[0]?.split(';')[0])
  const both = { cookie, ...bearer(secret) }
  const post = { method: 'POST', headers: both, body: '{}' }
  assert.equal((await askPublic(it, '/api/v1/clusters/', post)).status, 403)
  const foreign = { origin: 'https://elsewhere.test', 'sec-fetch-site': 'same-site' }
  const byPage = { ...basic('root', secret), ...foreign }
  const { json } = await askPublic(it, '/api/v1/clusters/', { ...post, headers: byPage })
  assert.match((json as { error: string }).error, /page of another origin/)
})

test('where any password will do, one that was a token will not', async (t) => {
  const it = await startTestApi(t, { password: null })
  const { secret, id } = await make(it, 'x', 'read', basic('alice', 'anything'))
  const ask = () => askPublic(it, '/api/v1/clusters/', { headers: basic('alice', secret) })
  assert.equal((await ask()).status, 200)
  const end = { method: 'DELETE', headers: basic('alice', 'x') }
  assert.equal((await askPublic(it, `/api/v1/user/tokens/${id}`, end)).status, 204)
  const gone = await ask()
  assert.equal(gone.status, 401)
  assert.match(gone.statusText, /unknown, revoked or expired/)
})

test('whoever may be here no longer has no token and no session any more', async (t) => {
  const unwelcome = new Set<string>()
  const it = await startTestApi(t, { rules: { isWelcome: ({ name }) => !unwelcome.has(name) } })
  const { secret } = await make(it, 'x', 'read', basic('alice'))
  const login = await askPublic(it, '/api/v1/options', { headers: basic('alice') })
  const cookie = String(login.headers['set-cookie']?.[0]?.split(';')[0])
  const ask = (headers: Ask['headers'] = {}) => askPublic(it, '/api/v1/options', { headers })
  assert.equal((await ask({ cookie })).status, 200)
  unwelcome.add('alice')
  assert.equal((await ask({ cookie })).status, 401)
  assert.match((await ask(bearer(secret))).statusText, /User alice may not use this gateway/)
})

test('guesses become slow and are logged, while those who know are answered at once', async (t) => {
  const it = await startTestApi(t)
  const { secret } = await make(it, 'x', 'read', basic('alice'))
  const guess = bearer(`dgt_${'A'.repeat(43)}`)
  const ask = (headers: Ask['headers'] = guess) => askPublic(it, '/api/v1/options', { headers })
  for (let count = 0; count < 20; count++) assert.equal((await ask()).status, 401)
  const began = performance.now()
  const slow = ask().then(() => performance.now() - began)
  assert.equal((await ask(bearer(secret))).status, 200)
  assert.ok((await slow) >= 490)
  await ask()
  const warnings = it.lines.filter((line) => JSON.stringify(line).includes('may be guessing'))
  assert.equal(warnings.length, 1)
  assert.ok(!JSON.stringify(it.lines).includes('dgt_'))
})

test('what is done with tokens is on record, and what was done by one names it', async (t) => {
  const it = await startTestApi(t, withRoot)
  const { secret, id } = await make(it, 'ci', 'manage', basic('alice'))
  const asked = { method: 'POST', headers: bearer(secret), body: '{}' }
  assert.equal((await askPublic(it, '/api/v1/clusters/', asked)).status, 201)
  const end = { method: 'DELETE', headers: basic('root') }
  assert.equal((await askPublic(it, `/api/v1/admin/tokens/${id}`, end)).status, 204)
  const told = await waitFor('all of it', () => it.memory.audits.length === 3 && it.memory.audits)
  const lines = told.map(({ user, action, message }) => `${user} ${action} ${message}`)
  assert.deepEqual(lines, [
    `alice token-create token ${id} "ci", scope manage`,
    `alice create by token ${id}`,
    `root admin-token-revoke token ${id} "ci", scope manage of alice`,
  ])
  assert.ok(!JSON.stringify(told).includes('dgt_'))
})

test('names and scopes that are none are refused in words', async (t) => {
  const it = await startTestApi(t)
  const names = ['', ' x', 'a\nb', 'a\u202eb', '\ud800', 'x'.repeat(101), 7, null]
  const bodies: readonly object[] = [
    ...names.map((name) => ({ name, scope: 'read' })),
    ...['', 'Read', 'write', ['read'], null].map((scope) => ({ name: 'x', scope })),
    ...['1d', true, -1, 0.5, {}].map((expires_in) => ({ name: 'x', scope: 'read', expires_in })),
  ]
  for (const each of bodies) {
    const body = JSON.stringify(each)
    const asked = { method: 'POST', headers: basic('alice'), body }
    assert.equal((await askPublic(it, '/api/v1/user/tokens', asked)).status, 422, body)
  }
  const name = 'für die Übung: 日本 "x"'
  await make(it, name, 'read', basic('alice'))
  const { json } = await askPublic(it, '/api/v1/user/tokens', { headers: basic('alice') })
  assert.equal((json as { tokens: { name: string }[] }).tokens[0]?.name, name)
})

test('a token also counts on the private address', async (t) => {
  const it = await startTestApi(t)
  const { secret } = await make(it, 'x', 'read', basic('alice'))
  assert.equal((await askPrivate(it, '/api/v1/options', { headers: bearer(secret) })).status, 200)
})

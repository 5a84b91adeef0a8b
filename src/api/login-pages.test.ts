import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitFor } from '../../test/fakes/wait-for.ts'
import {
  type Answer,
  askPublic,
  basic,
  loginOptions,
  startTestApi,
  type TestApi,
} from '../../test/support/test-api.ts'
import { createSimpleAuthenticator } from '../auth/index.ts'
import { createAuthentication } from './index.ts'

const cookiesOf = (answer: Answer) =>
  (answer.headers['set-cookie'] ?? []).map((each) => each.split(';')[0]).join('; ')
const stateOf = (page: string) => /name="state" value="([^"]+)"/.exec(page)?.[1] ?? ''

function post(it: TestApi, path: string, form: Record<string, string>, headers = {}) {
  return askPublic(it, path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  })
}

async function login(it: TestApi, form: Record<string, string>, prefix = '', headers = {}) {
  const page = await askPublic(it, `${prefix}/login`)
  const state = stateOf(page.text)
  return post(it, `${prefix}/login`, { state, ...form }, { cookie: cookiesOf(page), ...headers })
}

test('a person logs in, sees clusters, and logs out', async (t) => {
  const it = await startTestApi(t, { prefix: '/gateway' })
  for (const query of ['', '?a=1']) {
    const bare = await askPublic(it, `/gateway${query}`)
    assert.equal(bare.status, 308)
    assert.equal(bare.headers.location, `/gateway/${query}`)
  }

  const form = { username: 'alice', password: 'secret', next: '/gateway/clusters/x/status' }
  const entered = await login(it, form, '/gateway')
  assert.equal(entered.status, 303)
  assert.equal(entered.headers.location, '/gateway/clusters/x/status')
  const [session = ''] = entered.headers['set-cookie'] ?? []
  assert.match(
    session,
    /^test-gateway=[0-9a-f]{32}; Max-Age=3600; Path=\/gateway\/; HttpOnly; SameSite=Lax$/,
  )
  const cookie = cookiesOf(entered)
  const known = await askPublic(it, `/gateway/login?next=${form.next}`, { headers: { cookie } })
  assert.equal(known.status, 303)
  assert.equal(known.headers.location, form.next)
  for (const next of ['', '?next=//evil.test/'])
    assert.equal(
      (await askPublic(it, `/gateway/login${next}`, { headers: { cookie } })).status,
      200,
    )
  const created = await askPublic(it, '/gateway/api/v1/clusters/', {
    method: 'POST',
    headers: { cookie },
    body: '{}',
  })
  const { name } = created.json as { name: string }
  it.show(name, 'RUNNING')

  const home = await askPublic(it, '/gateway/', { headers: { cookie } })
  // The page of a gateway that was not built.
  assert.equal(home.status, 503)
  assert.match(home.text, /npm run build/)

  const out = await post(it, '/gateway/logout', {}, { cookie })
  assert.equal(out.status, 303)
  assert.match(String(out.headers['set-cookie']), /^test-gateway=; Max-Age=0; Path=\/gateway\//)
  const after = await askPublic(it, '/gateway/api/v1/options', { headers: { cookie } })
  assert.equal(after.status, 401)

  // A session that has ended is nobody's, and its second logout nobody's action.
  await post(it, '/gateway/logout', {}, { cookie })
  await waitFor('the audit', () => it.memory.audits.length >= 3)
  assert.deepEqual(
    it.memory.audits.map(({ user, action }) => `${user}: ${action}`),
    ['alice: login', 'alice: create', 'alice: logout'],
  )
})

test('the page needs no script, names its fields, and may stand in no frame', async (t) => {
  const it = await startTestApi(t)
  const { headers, text } = await askPublic(it, '/login?next=%22%3E%3Cscript%3E')
  const policy = String(headers['content-security-policy'])
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; /)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.equal(headers['referrer-policy'], 'same-origin')
  assert.match(text, /<label for="password">/)
  assert.ok(!/<script/i.test(text))
  assert.match(text, /name="next" value=""/)
})

test('without a password the form still asks for one and says so, loudly where that is a danger', async (t) => {
  const authenticator = createSimpleAuthenticator({ password: null })
  const base = await startTestApi(t)
  const it = await startTestApi(t, {
    authentication: createAuthentication({ ...base, authenticator }),
    login: {
      ...loginOptions,
      warning: 'Anybody <here> may be anybody.',
      dashboardOrigin: 'https://dash.test',
    },
  })
  const { text, headers } = await askPublic(it, '/login')
  assert.match(text, /any password will do/)
  assert.match(text, /<p role="alert">Anybody &lt;here&gt; may be anybody\.<\/p>/)
  assert.match(
    String(headers['content-security-policy']),
    /form-action 'self' https:\/\/dash\.test:\*;/,
  )
  assert.equal((await login(it, { username: 'bob', password: 'x' })).status, 303)
})

test('forged, old and foreign forms log nobody in', async (t) => {
  const it = await startTestApi(t)
  const form = { username: 'alice', password: 'secret' }
  const page = await askPublic(it, '/login')
  const state = stateOf(page.text)
  for (const [fields, headers] of [
    [form, {}],
    [{ ...form, state }, {}],
    [{ ...form, state }, { cookie: `test-gateway-login=${'0'.repeat(32)}` }],
    [{ ...form, state: `9${state}` }, { cookie: cookiesOf(page) }],
    [
      { ...form, state },
      { cookie: cookiesOf(page), origin: 'https://evil.example' },
    ],
    [
      { ...form, state },
      { cookie: cookiesOf(page), origin: 'null' },
    ],
    [
      { ...form, state },
      { cookie: cookiesOf(page), 'sec-fetch-site': 'cross-site' },
    ],
  ] as const) {
    const answer = await post(it, '/login', fields, headers)
    assert.equal(answer.status, 403)
    assert.ok(!cookiesOf(answer).includes('test-gateway='))
  }
  const outside = await post(it, '/logout', {}, { origin: 'https://evil.example' })
  assert.equal(outside.status, 403)
})

test('a next page elsewhere leads home', async (t) => {
  const it = await startTestApi(t)
  const answer = await login(it, {
    username: 'alice',
    password: 'secret',
    next: '//evil.example/',
  })
  assert.equal(answer.headers.location, '/')
})

test('wrong passwords are refused, and after five it takes a pause, for that name only', async (t) => {
  const it = await startTestApi(t)
  for (let count = 0; count < 5; count++) {
    const answer = await login(it, { username: 'alice', password: 'guess' })
    assert.equal(answer.status, 401)
    assert.match(answer.text, /<p role="alert">Wrong user name or password\.<\/p>/)
  }
  const tired = await login(it, { username: 'alice', password: 'secret' })
  assert.equal(tired.status, 429)
  assert.ok(Number(tired.headers['retry-after']) > 0)
  assert.equal((await login(it, { username: 'bob', password: 'secret' })).status, 303)
  for (let count = 0; count < 5; count++) await login(it, { password: 'guess' })
  assert.equal((await login(it, { password: 'guess' })).status, 429)
})

test('one password tried at many names is slowed and told, and who knows theirs is let in at once', async (t) => {
  const it = await startTestApi(t)
  for (let count = 0; count < 20; count++)
    assert.equal((await login(it, { username: `user${count}`, password: 'guess' })).status, 401)
  const refusals = () => it.lines.filter((line) => line.startsWith('A login was refused')).length
  assert.equal(refusals(), 20)
  const began = performance.now()
  assert.equal((await login(it, { username: 'other', password: 'guess' })).status, 401)
  assert.ok(performance.now() - began >= 490)
  assert.match(it.lines.join('\n'), /somebody may be guessing {"address":"203\.0\.113\.9"}/)
  assert.equal(refusals(), 20, 'no more lines than that')
  assert.equal((await login(it, { username: 'alice', password: 'secret' })).status, 303)
})

test('a form that is no form, and one that is too large', async (t) => {
  const it = await startTestApi(t)
  assert.equal((await post(it, '/login', {})).status, 403)
  const large = await post(it, '/login', { username: 'x'.repeat(20_000) })
  assert.equal(large.status, 413)
})

test('the dashboards learn who asks by cookie or by header', async (t) => {
  const it = await startTestApi(t)
  const entered = await login(it, { username: 'alice', password: 'secret' })
  assert.equal(entered.status, 303)
  const known = await askPublic(it, '/api/v1/options', { headers: { cookie: cookiesOf(entered) } })
  assert.equal(known.status, 200)
  assert.equal((await askPublic(it, '/api/v1/options', { headers: basic('bob') })).status, 200)
})

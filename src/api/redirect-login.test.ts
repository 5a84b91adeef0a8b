import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type Answer,
  askPublic,
  loginOptions,
  startTestApi,
  type TestApi,
} from '../../test/support/test-api.ts'
import {
  type Authenticator,
  type AuthResult,
  type BrowserLogin,
  GatewayError,
  type LoginAttempt,
} from '../core/index.ts'
import { createAuthentication } from './index.ts'
import { createRedirectState } from './redirect-state.ts'

const alice: AuthResult = {
  outcome: 'accepted',
  user: { name: 'alice', groups: [], admin: false },
}
const cookiesOf = (answer: Answer) =>
  (answer.headers['set-cookie'] ?? []).map((each) => each.split(';')[0]).join('; ')

async function startWith(t: TestContext, login: BrowserLogin): Promise<TestApi> {
  const authenticator: Authenticator = {
    challenge: 'jupyterhub',
    login,
    open: false,
    async start() {},
    async stop() {},
    authenticate: async () => ({ outcome: 'refused', reason: 'nobody' }),
  }
  const base = await startTestApi(t)
  const authentication = createAuthentication({ ...base, authenticator })
  return startTestApi(t, { authentication, prefix: '/dask', login: loginOptions })
}

/** A server to log in at, which remembers what it was asked. */
async function start(t: TestContext, outcome: () => AuthResult = () => alice) {
  const begun: LoginAttempt[] = []
  const finished: (readonly [LoginAttempt, string])[] = []
  const it = await startWith(t, {
    form: 'redirect',
    issuer: 'Hub & Co',
    async begin(attempt) {
      begun.push(attempt)
      return `https://hub.test/login?${new URLSearchParams({ state: attempt.state })}`
    },
    async finish(attempt, answer) {
      finished.push([attempt, answer.toString()])
      return outcome()
    },
  })
  const begin = async (query = '') => {
    const answer = await askPublic(it, `/dask/login/start${query}`)
    assert.equal(answer.status, 303)
    const state = new URL(answer.headers.location ?? '').searchParams.get('state') ?? ''
    return { answer, state, cookie: cookiesOf(answer) }
  }
  const back = (state: string, cookie: string, more = '&code=c') =>
    askPublic(it, `/dask/oauth_callback?state=${state}${more}`, { headers: { cookie } })
  return { it, begun, finished, begin, back }
}

test('a person logs in elsewhere, and lands where they wanted to go', async (t) => {
  const { it, begun, finished, begin, back } = await start(t)
  const page = await askPublic(it, '/dask/login?next=/dask/clusters/x/status%3Fa=1')
  const link = /<a class="button" href="([^"]+)">Log in with Hub &amp; Co<\/a>/.exec(page.text)?.[1]
  assert.equal(link, '/dask/login/start?next=%2Fdask%2Fclusters%2Fx%2Fstatus%3Fa%3D1')
  assert.ok(!/<input|<script/i.test(page.text))

  const { state, cookie, answer } = await begin('?next=%2Fdask%2Fclusters%2Fx%2Fstatus%3Fa%3D1')
  const [kept = ''] = answer.headers['set-cookie'] ?? []
  const form =
    /^test-gateway-login=[0-9a-f]{32}; Max-Age=900; Path=\/dask\/; HttpOnly; SameSite=Lax$/
  assert.match(kept, form)
  const entered = await back(state, cookie)
  assert.equal(entered.status, 303)
  assert.equal(entered.headers.location, '/dask/clusters/x/status?a=1')
  assert.equal(entered.headers['referrer-policy'], 'no-referrer')
  assert.deepEqual(finished, [[begun[0], `state=${state}&code=c`]])
  assert.equal(begun[0]?.callbackUrl, 'http://gateway.test:8000/dask/oauth_callback')
  assert.match(begun[0]?.secret ?? '', /^[0-9a-f]{64}$/)

  const headers = { cookie: cookiesOf(entered) }
  assert.equal((await askPublic(it, '/dask/api/v1/options', { headers })).status, 200)
  assert.doesNotMatch(it.lines.join(), new RegExp(`code=|${state}|${begun[0]?.secret}`))
})

test('every try has a state and a secret of its own', async (t) => {
  const { begun, begin, back } = await start(t)
  const first = await begin()
  const second = await begin()
  assert.notEqual(first.state, second.state)
  assert.notEqual(begun[0]?.secret, begun[1]?.secret)
  assert.equal((await back(first.state, second.cookie)).status, 403)
  assert.equal((await back(second.state, second.cookie)).headers.location, '/dask/')
})

test('answers that this browser did not ask for log nobody in and reach nobody', async (t) => {
  const { finished, begin, back } = await start(t)
  const { state, cookie } = await begin('?next=/dask/clusters/x')
  const target = Buffer.from('//evil.example/').toString('base64url')
  for (const [given, kept] of [
    [state, ''],
    [state, `test-gateway-login=${'0'.repeat(32)}`],
    ['', cookie],
    [`9${state}`, cookie],
    [state.replace(/\.[\w-]+\.(?=[0-9a-f]{64}$)/, `.${target}.`), cookie],
    [state.slice(0, -1), cookie],
  ] as const) {
    const answer = await back(given, kept)
    assert.equal(answer.status, 403)
    assert.match(answer.text, /in another browser, or too long ago/)
    assert.ok(!cookiesOf(answer).includes('test-gateway='))
  }
  assert.deepEqual(finished, [])
})

for (const next of ['//evil.example/', 'https://evil.example/', '/elsewhere/', '/dask/..//evil']) {
  test(`a login does not lead to ${next}`, async (t) => {
    const { begin, back } = await start(t)
    const { state, cookie } = await begin(`?next=${encodeURIComponent(next)}`)
    assert.equal((await back(state, cookie)).headers.location, '/dask/')
  })
}

test('a refusal and a failure are pages with a way back', async (t) => {
  let outcome = (): AuthResult => ({ outcome: 'refused', reason: 'The <hub> says no' })
  const { begin, back } = await start(t, () => outcome())
  const { state, cookie } = await begin('?next=/dask/clusters/x')
  const no = await back(state, cookie, '&error=access_denied')
  assert.equal(no.status, 401)
  assert.match(no.text, /<p role="alert">The &lt;hub&gt; says no\.<\/p>/)
  assert.match(no.text, /href="\/dask\/login\?next=%2Fdask%2Fclusters%2Fx"/)
  outcome = () => {
    throw new GatewayError('upstream', 'The hub is away')
  }
  const away = await back(state, cookie)
  assert.equal(away.status, 502)
  assert.match(away.text, /<p role="alert">The hub is away\.<\/p>/)
})

test('a form does not log in where logins are elsewhere, and the callback is nothing without them', async (t) => {
  const { it } = await start(t)
  const page = await askPublic(it, '/dask/login')
  const cookie = cookiesOf(page)
  const answer = await askPublic(it, '/dask/login', { method: 'POST', headers: { cookie } })
  assert.equal(answer.status, 403)
  const plain = await startTestApi(t)
  assert.equal((await askPublic(plain, '/oauth_callback?code=x')).status, 404)
  assert.equal((await askPublic(plain, '/login/start')).status, 404)
})

test('a state is good for a quarter of an hour', () => {
  let time = 1_000_000
  const states = createRedirectState(Buffer.alloc(32, 1), () => time)
  const state = states.issue('n', '/a')
  time += 15 * 60_000 - 1
  assert.equal(states.nextOf('n', state), '/a')
  assert.equal(states.nextOf('m', state), null)
  assert.equal(createRedirectState(Buffer.alloc(32, 2)).nextOf('n', state), null)
  time += 1
  assert.equal(states.nextOf('n', state), null)
})

test('a person pastes a token, wrong ones as often as they like', async (t) => {
  let away = false
  const it = await startWith(t, {
    form: 'token',
    issuer: 'Hub',
    tokenPage: 'https://hub.test/hub/token',
    check: async (token) => {
      if (away) throw new GatewayError('upstream', 'The hub is away')
      return token === 'right' ? alice : { outcome: 'refused', reason: 'Not known' }
    },
  })
  const page = await askPublic(it, '/dask/login')
  assert.match(page.text, /<label for="token">Token of Hub<\/label>/)
  assert.match(page.text, /<a href="https:\/\/hub\.test\/hub\/token">/)
  assert.ok(!page.text.includes('name="username"'))
  const state = /name="state" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const paste = (token: string) =>
    askPublic(it, '/dask/login', {
      method: 'POST',
      headers: { cookie: cookiesOf(page), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ state, token, next: '/dask/clusters/x' }).toString(),
    })
  for (let tries = 0; tries < 7; tries++) {
    const answer = await paste('wrong')
    assert.equal(answer.status, 401)
    assert.match(answer.text, /<p role="alert">Not known\.<\/p>/)
    assert.ok(!answer.text.includes('wrong'))
  }
  away = true
  assert.equal((await paste('right')).status, 502)
  away = false
  const entered = await paste(' right\n')
  assert.equal(entered.headers.location, '/dask/clusters/x')
  assert.match(cookiesOf(entered), /^test-gateway=[0-9a-f]{32}/)
  assert.ok(!it.lines.join().includes('wrong'))
})

test('tokens that the authenticator fails at count as guesses', async (t) => {
  let asked = 0
  const fault = new GatewayError('internal', 'Permission failure')
  const authenticator: Authenticator = {
    challenge: 'jupyterhub',
    login: null,
    open: false,
    async start() {},
    async stop() {},
    async authenticate() {
      asked++
      throw fault
    },
  }
  const base = await startTestApi(t)
  const authentication = createAuthentication({ ...base, authenticator })
  const it = await startTestApi(t, { authentication })
  const guess = () => askPublic(it, '/api/v1/options', { headers: { authorization: 'x y' } })
  for (let count = 0; count < 20; count++) assert.equal((await guess()).status, 500)
  const began = performance.now()
  assert.equal((await guess()).statusText, 'Internal Server Error')
  assert.ok(performance.now() - began >= 490)
  assert.equal(asked, 21)
  assert.match((await askPublic(it, '/login')).text, /does not take logins here/)
})

test('a logout offers that of the other server, which gets the hint that its login gave', async (t) => {
  const hint = 'aaa.bbb.ccc'
  const ended: (string | null)[] = []
  let where: string | null = 'https://hub.test/logout'
  const it = await startWith(t, {
    form: 'redirect',
    issuer: 'Hub',
    programs: 'Programs come with <tokens>.',
    begin: async ({ state }) => `https://hub.test/login?${new URLSearchParams({ state })}`,
    finish: async () => ({ ...alice, logoutHint: hint }),
    async end(logout) {
      assert.equal(logout.callbackUrl, 'http://gateway.test:8000/dask/oauth_callback')
      ended.push(logout.hint)
      if (where === null) throw new GatewayError('unavailable', 'Hub does not answer')
      return where
    },
  })
  assert.match((await askPublic(it, '/dask/login')).text, /Programs come with &lt;tokens&gt;\./)
  const begun = await askPublic(it, '/dask/login/start')
  const state = new URL(begun.headers.location ?? '').searchParams.get('state') ?? ''
  const entered = await askPublic(it, `/dask/oauth_callback?state=${state}&code=c`, {
    headers: { cookie: cookiesOf(begun) },
  })
  const kept = entered.headers['set-cookie']?.find((each) => each.includes('hint')) ?? ''
  assert.equal(
    kept,
    `test-gateway-hint=${hint}; Max-Age=3600; Path=/dask/logout; HttpOnly; SameSite=Strict`,
  )
  assert.match(it.lines.join('\n'), /alice: login .*"audit":"login"/)
  assert.equal(it.memory.audits[0]?.message, 'at Hub')

  const session = cookiesOf(entered)
  const inside = await askPublic(it, '/dask/logout', { headers: { cookie: session } })
  assert.equal(inside.headers.location, '/dask/', 'not logged out yet')
  const go = (headers: { readonly [name: string]: string }) =>
    askPublic(it, '/dask/logout/elsewhere', { headers })
  assert.equal((await go({ cookie: session })).headers.location, '/dask/')

  const out = await askPublic(it, '/dask/logout', { method: 'POST', headers: { cookie: session } })
  assert.equal(out.headers.location, '/dask/logout')
  const cookie = `test-gateway-hint=${hint}`
  const page = await askPublic(it, '/dask/logout', { headers: { cookie } })
  assert.match(page.text, /<a class="button" href="\/dask\/logout\/elsewhere">Log out of Hub too</)
  assert.ok(!page.text.includes(hint))
  const foreign = await go({ cookie, 'sec-fetch-site': 'cross-site' })
  assert.equal(foreign.headers.location, '/dask/')
  const away = await go({ cookie })
  assert.equal(away.headers.location, 'https://hub.test/logout')
  assert.equal(away.headers['referrer-policy'], 'no-referrer')
  assert.match(away.headers['set-cookie']?.[0] ?? '', /^test-gateway-hint=; Max-Age=0;/)
  assert.deepEqual(ended.splice(0), [null, hint])
  await go({ cookie: 'test-gateway-hint=<script>' })
  assert.deepEqual(ended.splice(0), [null])
  where = null
  const none = await askPublic(it, '/dask/logout')
  assert.match(none.text, /You are logged out[\s\S]*by yourself/)
  const failed = await go({ cookie })
  assert.equal(failed.status, 503)
  assert.match(failed.text, /You are logged out[\s\S]*Hub does not answer/)
  assert.ok(!it.lines.join().includes(hint))
})

test('whom we refuse may come as somebody else, after a logout there', async (t) => {
  const it = await startWith(t, {
    form: 'redirect',
    issuer: 'Hub',
    begin: async ({ state }) => `https://hub.test/login?${new URLSearchParams({ state })}`,
    finish: async () => ({ outcome: 'refused', reason: 'Not you' }),
    end: async () => 'https://hub.test/logout',
  })
  const begun = await askPublic(it, '/dask/login/start')
  const state = new URL(begun.headers.location ?? '').searchParams.get('state') ?? ''
  const answer = await askPublic(it, `/dask/oauth_callback?state=${state}&code=c`, {
    headers: { cookie: cookiesOf(begun) },
  })
  assert.match(answer.text, /<a href="\/dask\/logout\/elsewhere">Log out of Hub<\/a>/)
  const away = await askPublic(it, '/dask/logout/elsewhere')
  assert.equal(away.headers.location, 'https://hub.test/logout')
})

test('where the other server knows no logout, one is back at the login', async (t) => {
  const { it } = await start(t)
  const out = await askPublic(it, '/dask/logout', { method: 'POST' })
  assert.equal(out.headers.location, '/dask/login')
  assert.equal((await askPublic(it, '/dask/logout')).status, 404)
})

test('refused logins elsewhere count as guesses', async (t) => {
  const { begin, back } = await start(t, () => ({ outcome: 'refused', reason: 'No' }))
  const { state, cookie } = await begin()
  for (let count = 0; count < 20; count++) assert.equal((await back(state, cookie)).status, 401)
  const began = performance.now()
  assert.equal((await back(state, cookie)).status, 401)
  assert.ok(performance.now() - began >= 490)
})

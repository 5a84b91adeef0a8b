import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../../test/fakes/wait-for.ts'
import { type Logger, resolveSettings } from '../../core/index.ts'
import { type FakeProvider, startFakeProvider } from './fake-provider.fixture.ts'
import { createOidcAuthenticator, type OidcLimits } from './oidc-authenticator.ts'
import { type OidcValues, oidcAuthenticatorSettings } from './oidc-settings.ts'

const attempt = {
  callbackUrl: 'https://gateway.test/dask/oauth_callback',
  state: 'the.state',
  secret: 'ab'.repeat(32),
}
const callback = 'code=the-code&state=the.state'

function values(more: { readonly [name: string]: unknown }): OidcValues {
  const given = Object.entries(more).map(
    ([name, value]) => [name, { value, source: 'test' }] as const,
  )
  return resolveSettings(
    oidcAuthenticatorSettings,
    new Map([['OIDCAuthenticator', new Map(given)]]),
  )
}

interface Start {
  readonly settings?: { readonly [name: string]: unknown }
  readonly limits?: Partial<OidcLimits>
  readonly prepare?: (provider: FakeProvider) => unknown
}

async function start(t: TestContext, { settings = {}, limits = {}, prepare }: Start = {}) {
  const provider = await startFakeProvider()
  t.after(() => provider.close())
  await prepare?.(provider)
  const lines: string[] = []
  const log = (message: string, fields?: object) =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
  const logger: Logger = { debug: log, info: log, warn: log, error: log, with: () => logger }
  const given = {
    issuer: provider.issuer,
    client_id: 'gateway',
    provider_name: 'Login',
    ...settings,
  }
  const authenticator = createOidcAuthenticator(values(given), { logger, limits })
  await authenticator.start()
  t.after(() => authenticator.stop())
  const { login } = authenticator
  assert.ok(login?.form === 'redirect' && login.end !== undefined)
  const { end } = login
  const begin = async () => {
    const url = new URL(await login.begin(attempt))
    provider.nonce = url.searchParams.get('nonce') ?? ''
    return url
  }
  const finish = (query = callback) => login.finish(attempt, new URLSearchParams(query))
  /** The log, when it has something to say of the login. */
  const told = () => lines.filter((line) => !/^Users log in by/.test(line)).join('\n')
  return { provider, authenticator, begin, finish, end, lines, told }
}

test('a login begins at the provider, with PKCE and a nonce, and ends with the user of the ID token', async (t) => {
  const { provider, begin, finish, told } = await start(t)
  const url = await begin()
  assert.equal(`${url.origin}${url.pathname}`, `${provider.issuer}/authorize`)
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    kind: 'web',
    client_id: 'gateway',
    redirect_uri: attempt.callbackUrl,
    response_type: 'code',
    scope: 'openid profile email',
    state: attempt.state,
    nonce: provider.nonce,
    code_challenge: createHash('sha256').update(attempt.secret).digest('base64url'),
    code_challenge_method: 'S256',
  })
  assert.match(provider.nonce, /^[\w-]{43}$/)
  provider.claims = { groups: ['a,b', 'c', 7, 'd\n'], preferred_username: 'alice' }
  const user = { name: 's-1', groups: ['a,b', 'c'], admin: false }
  assert.deepEqual(await finish(), { outcome: 'accepted', user })
  const exchange = provider.questions.find(({ path }) => path === '/realm/token')
  assert.deepEqual(Object.fromEntries(new URLSearchParams(exchange?.body)), {
    grant_type: 'authorization_code',
    code: 'the-code',
    redirect_uri: attempt.callbackUrl,
    client_id: 'gateway',
    code_verifier: attempt.secret,
  })
  assert.equal(told(), '')
})

test('the document and the keys of the provider are asked for once in a while, not at each login', async (t) => {
  const { provider, begin, finish } = await start(t)
  for (let logins = 0; logins < 3; logins++) {
    await begin()
    assert.equal((await finish()).outcome, 'accepted')
  }
  const asked = (path: string) => provider.questions.filter((each) => each.path === path).length
  assert.equal(asked('/realm/.well-known/openid-configuration'), 1)
  assert.equal(asked('/realm/keys'), 1)
})

test('keys that the provider has changed are asked for at once', async (t) => {
  const { provider, begin, finish, told } = await start(t)
  await begin()
  assert.equal((await finish()).outcome, 'accepted')
  provider.rotate()
  assert.equal((await finish()).outcome, 'accepted')
  assert.equal(told(), '')
})

test('what the ID token does not tell, the provider is asked for', async (t) => {
  const settings = { username_claim: 'preferred_username', admin_claim: 'is_admin' }
  const { provider, begin, finish, told } = await start(t, {
    settings,
    prepare: (it) => {
      it.userinfo = { sub: 's-1', preferred_username: 'alice', groups: ['x'], is_admin: true }
    },
  })
  await begin()
  const user = { name: 'alice', groups: ['x'], admin: true }
  assert.deepEqual(await finish(), { outcome: 'accepted', user })
  const question = provider.questions.find(({ path }) => path === '/realm/userinfo')
  assert.equal(question?.authorization, 'Bearer the-access-token')
  provider.userinfo = { sub: 's-2', preferred_username: 'mallory' }
  await assert.rejects(finish(), { code: 'upstream' })
  assert.match(told(), /unexpected "response" body "sub"/)
})

test('a signed user info is believed by its signature', async (t) => {
  const settings = { username_claim: 'name', groups_claim: null }
  const { provider, begin, finish, told } = await start(t, {
    settings,
    prepare: (it) => {
      it.userinfo = {}
      it.document = { userinfo_signing_alg_values_supported: ['ES256'] }
    },
  })
  let body = ''
  provider.instead = (path, response) => {
    if (path !== '/realm/userinfo') return false
    response.writeHead(200, { 'content-type': 'application/jwt' })
    response.end(body)
    return true
  }
  await begin()
  body = provider.signed({ name: 'alice' })
  const user = { name: 'alice', groups: [], admin: false }
  assert.deepEqual(await finish(), { outcome: 'accepted', user })
  const [header, , signature] = body.split('.')
  const forged = Buffer.from(
    JSON.stringify({ sub: 's-1', name: 'boss', iss: provider.issuer, aud: 'gateway' }),
  )
  body = `${header}.${forged.toString('base64url')}.${signature}`
  await assert.rejects(finish(), { code: 'upstream' })
  assert.match(told(), /signature/)
})

test("the client's secret is sent as the provider wants it, and taken anew at a reload", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'oidc-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'secret')
  writeFileSync(file, 'first:%\n', { mode: 0o600 })
  const it = await start(t, { settings: { client_secret_file: file } })
  const { provider, begin, finish, authenticator } = it
  await begin()
  await finish()
  const basic = provider.questions.at(-2)
  const expected = Buffer.from('gateway:first%3A%25').toString('base64')
  assert.equal(basic?.authorization, `Basic ${expected}`)
  writeFileSync(file, '')
  const emptied = { code: 'configuration', message: /client_secret_file: .*secret is not one word/ }
  await assert.rejects(authenticator.reload?.() ?? Promise.resolve(), emptied)
  writeFileSync(file, 'second')
  chmodSync(file, 0o644)
  await authenticator.reload?.()
  await finish()
  assert.match(provider.questions.at(-1)?.authorization ?? '', /^Basic .*/)
  assert.equal(
    Buffer.from(provider.questions.at(-1)?.authorization.slice(6) ?? '', 'base64').toString(),
    'gateway:second',
  )
  assert.match(it.told(), /Everybody on this machine may read the secret/)
  assert.doesNotMatch(it.lines.join(), /first|second|the-access-token|the-code/)
})

test('a provider that takes no header gets the secret in the form', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'oidc-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'secret')
  writeFileSync(file, 'hush', { mode: 0o600 })
  const { provider, begin, finish } = await start(t, {
    settings: { client_secret_file: file },
    prepare: (it) => {
      it.document = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    },
  })
  await begin()
  await finish()
  const exchange = provider.questions.find(({ path }) => path === '/realm/token')
  assert.equal(new URLSearchParams(exchange?.body).get('client_secret'), 'hush')
})

const now = () => Math.floor(Date.now() / 1000)

for (const [what, lie, words] of [
  ['an ID token of another issuer', (it) => (it.claims = { iss: 'https://evil.example' }), /"iss"/],
  ['an ID token for another client', (it) => (it.claims = { aud: 'another' }), /"aud"/],
  [
    'an ID token for two, made for the other',
    (it) => (it.claims = { aud: ['gateway', 'x'], azp: 'x' }),
    /"azp"/,
  ],
  ['the nonce of another login', (it) => (it.claims = { nonce: 'other' }), /"nonce"/],
  ['no nonce', (it) => (it.claims = { nonce: undefined }), /"nonce"/],
  [
    'an expired ID token',
    (it) => (it.claims = { exp: now() - 100, iat: now() - 400 }),
    /"exp".*clocks/,
  ],
  ['an ID token without an end', (it) => (it.claims = { exp: undefined }), /"exp"/],
  ['an ID token that is not good yet', (it) => (it.claims = { nbf: now() + 100 }), /"nbf".*clocks/],
  ['no subject', (it) => (it.claims = { sub: undefined }), /"sub"/],
  ['alg none', (it) => (it.header = { alg: 'none' }), /JWS/],
  ['alg HS256', (it) => (it.header = { alg: 'HS256' }), /JWS/],
  ['an algorithm that it does not name', (it) => (it.header = { alg: 'ES384' }), /"alg"/],
  ['a key that it does not show', (it) => it.lie(), /signature/],
  ['a key of no name', (it) => (it.header = { alg: 'ES256', kid: 'x' }), /no applicable keys/],
] as const satisfies readonly (readonly [string, (it: FakeProvider) => unknown, RegExp])[])
  test(`nobody comes in by ${what}`, async (t) => {
    const { provider, begin, finish, told } = await start(t)
    await begin()
    lie(provider)
    await assert.rejects(finish(), {
      code: 'upstream',
      message: 'Login could not complete the login; please try again, or ask who runs the gateway',
    })
    assert.match(told(), words)
    assert.doesNotMatch(told(), /the-code|ey[\w-]+\.|the-access-token/)
  })

test('clocks may differ by a minute', async (t) => {
  const { provider, begin, finish } = await start(t)
  await begin()
  for (const skew of [-50, 50]) {
    provider.claims = { iat: now() + skew, nbf: now() + skew, exp: now() + Math.min(skew, 300) }
    assert.equal((await finish()).outcome, 'accepted')
  }
})

for (const [query, reason] of [
  ['error=access_denied&state=the.state', 'Login did not let you in (access_denied)'],
  ['error=%3Cscript%3E&state=the.state', 'Login did not let you in (an unknown error)'],
  ['state=the.state', 'Login did not let you in (no code)'],
  ['code=%0d%0a&state=the.state', 'Login did not let you in (no code)'],
  ['code=a&code=b&state=the.state', 'Login did not let you in (no code)'],
  ['code=x&state=another', 'Login did not let you in (a wrong answer)'],
  [
    'code=x&state=the.state&iss=https%3A%2F%2Fevil.example',
    'Login did not let you in (a wrong answer)',
  ],
] as const)
  test(`?${query} is refused, and the provider not asked for a token`, async (t) => {
    const { provider, begin, finish } = await start(t)
    await begin()
    assert.deepEqual(await finish(query), { outcome: 'refused', reason })
    assert.ok(provider.questions.every(({ path }) => path !== '/realm/token'))
  })

test('a provider that says who it is in its answers must do so', async (t) => {
  const { provider, begin, finish } = await start(t, {
    prepare: (it) => (it.document = { authorization_response_iss_parameter_supported: true }),
  })
  await begin()
  assert.equal((await finish()).outcome, 'refused')
  const iss = encodeURIComponent(provider.issuer)
  assert.equal((await finish(`${callback}&iss=${iss}`)).outcome, 'accepted')
})

test('a code that was used before is refused', async (t) => {
  const { provider, begin, finish, told } = await start(t)
  await begin()
  provider.instead = (path, response) => {
    if (path !== '/realm/token') return false
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end('{"error":"invalid_grant"}')
    return true
  }
  const reason = 'Login did not let you in (invalid_grant)'
  assert.deepEqual(await finish(), { outcome: 'refused', reason })
  assert.equal(told(), '')
})

for (const [what, status, contentType, body, code] of [
  ['a wrong client', 401, 'application/json', '{"error":"invalid_client"}', 'upstream'],
  ['no JSON', 200, 'text/html', '<html>the-code</html>', 'upstream'],
  ['broken JSON', 200, 'application/json', '{"id_token": "the-code', 'upstream'],
  ['a huge answer', 200, 'application/json', `{"x":"${'x'.repeat(1024 * 1024)}"}`, 'unavailable'],
  ['a redirect', 302, 'text/html', '', 'upstream'],
  [
    'no ID token',
    200,
    'application/json',
    '{"access_token":"a","token_type":"bearer"}',
    'upstream',
  ],
  [
    'an ID token that is none',
    200,
    'application/json',
    '{"access_token":"a","token_type":"bearer","id_token":"a.b"}',
    'upstream',
  ],
  ['its own failure', 503, 'text/html', 'the-code', 'unavailable'],
] as const)
  test(`${what} in place of a token is a failure, told without a secret`, async (t) => {
    const { provider, begin, finish, lines } = await start(t)
    await begin()
    const elsewhere = `${provider.issuer}/elsewhere`
    provider.instead = (path, response) => {
      if (path !== '/realm/token') return false
      response.writeHead(status, { 'content-type': contentType, location: elsewhere })
      response.end(body)
      return true
    }
    await assert.rejects(finish(), { code })
    assert.match(lines.at(-1) ?? '', /^Login did not complete a login: /)
    assert.doesNotMatch(lines.join(), /the-code/)
    assert.ok(provider.questions.every(({ path }) => !path.includes('elsewhere')))
  })

test('a provider that does not answer in time is away', async (t) => {
  const { provider, begin, finish, told } = await start(t, { limits: { limitMs: 200 } })
  await begin()
  provider.instead = (path) => path === '/realm/token'
  await assert.rejects(finish(), {
    code: 'unavailable',
    message: 'Login does not answer; please try again later',
  })
  assert.match(told(), /no answer within 0.2 s/)
})

test('a gateway starts without its provider, says so, and finds it when it is there', async (t) => {
  const { provider, begin, lines } = await start(t, {
    prepare: (it) => {
      it.instead = (_path, response) => {
        response.socket?.destroy()
        return true
      }
    },
  })
  await waitFor('the word of it', () => /nobody can; who has a session/.test(lines.join()))
  await assert.rejects(begin(), { code: 'unavailable' })
  provider.instead = () => false
  assert.match((await begin()).href, /\/authorize\?/)
})

for (const [what, document] of [
  ['another issuer', { issuer: 'http://127.0.0.1:1/realm' }],
  ['no token endpoint', { token_endpoint: undefined }],
  ['keys that anybody could change', { jwks_uri: 'http://keys.example.org/' }],
  ['a login page that is none', { authorization_endpoint: 'javascript:alert(1)' }],
] as const)
  test(`a discovery document with ${what} is not believed`, async (t) => {
    const { begin, told } = await start(t, { prepare: (it) => (it.document = document) })
    await assert.rejects(begin(), { code: 'upstream' })
    assert.match(told(), /Login does not tell how to log in/)
  })

test('a user info at a place where others listen is not asked for', async (t) => {
  const { begin, finish, told } = await start(t, {
    settings: { username_claim: 'name' },
    prepare: (it) => (it.document = { userinfo_endpoint: 'http://userinfo.example.org/' }),
  })
  await begin()
  await assert.rejects(finish(), { code: 'upstream' })
  assert.match(told(), /http:\/\/userinfo.example.org is not asked/)
})

test('a logout leads to the end of the session there, with the ID token as the hint', async (t) => {
  const { provider, begin, finish, end } = await start(t, {
    prepare: (it) => (it.document = { end_session_endpoint: `${it.issuer}/end?a=b` }),
  })
  await begin()
  const result = await finish()
  const hint = result.outcome === 'accepted' ? (result.logoutHint ?? '') : ''
  assert.match(hint, /^ey[\w-]+\.ey[\w-]+\.[\w-]+$/)
  const query = async (given: string | null) => {
    const url = new URL((await end({ callbackUrl: attempt.callbackUrl, hint: given })) ?? '')
    assert.equal(`${url.origin}${url.pathname}`, `${provider.issuer}/end`)
    return Object.fromEntries(url.searchParams)
  }
  const without = {
    a: 'b',
    client_id: 'gateway',
    post_logout_redirect_uri: 'https://gateway.test/dask/login',
  }
  assert.deepEqual(await query(null), without)
  assert.deepEqual(await query(hint), { ...without, id_token_hint: hint })
  provider.claims = { groups: Array.from({ length: 400 }, (_, index) => `group-${index}`) }
  const large = await finish()
  assert.ok(large.outcome === 'accepted' && large.logoutHint === undefined)
})

for (const url of [undefined, 'http://login.example.org/end', 'javascript:alert(1)'])
  test(`a logout leads nowhere when the provider names ${url}`, async (t) => {
    const { begin, end } = await start(t, {
      prepare: (it) => (it.document = { end_session_endpoint: url }),
    })
    await begin()
    assert.equal(await end({ callbackUrl: attempt.callbackUrl, hint: null }), null)
  })

test('groups that the provider left out are told', async (t) => {
  const { provider, begin, finish, told } = await start(t)
  await begin()
  provider.claims = { _claim_names: { groups: 'src1' } }
  assert.equal((await finish()).outcome, 'accepted')
  assert.match(told(), /Login left out the groups of a user/)
})

for (const [settings, words] of [
  [{ issuer: null }, /^OIDCAuthenticator\.issuer is missing/],
  [{ client_id: null }, /^OIDCAuthenticator\.client_id is missing/],
  [{ issuer: 'http://login.example.org' }, /issuer = .* must be an https:\/\/ URL/],
  [{ issuer: 'https://login.example.org/?a=b' }, /issuer = .* must be an https:\/\/ URL/],
  [{ issuer: 'https://a@login.example.org/' }, /issuer = .* must be an https:\/\/ URL/],
  [{ callback_url: 'https://dask.example.org/callback' }, /must end with \/oauth_callback/],
  [{ username_claim: '' }, /username_claim = "": must not be empty/],
] as const)
  test(`${JSON.stringify(settings)} is refused before anything begins`, () => {
    const logger = {} as Logger
    const given = { issuer: 'https://login.example.org', client_id: 'x', ...settings }
    assert.throws(() => createOidcAuthenticator(values(given), { logger }), {
      code: 'configuration',
      message: words,
    })
  })

for (const [name, message] of [
  ['client_secret_file', /client_secret_file: \/nonexistent cannot be read: ENOENT/],
  ['tls_ca', /tls_ca: \/nonexistent cannot be read: ENOENT/],
] as const)
  test(`a ${name} that is not there ends the start`, async () => {
    const given = { issuer: 'https://login.example.org', client_id: 'x', [name]: '/nonexistent' }
    const authenticator = createOidcAuthenticator(values(given), { logger: {} as Logger })
    await assert.rejects(authenticator.start(), { code: 'configuration', message })
  })

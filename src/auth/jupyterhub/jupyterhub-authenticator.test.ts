import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { testAuthenticator } from '../../../test/contracts/authenticator.ts'
import { waitFor } from '../../../test/fakes/wait-for.ts'
import { type Logger, resolveSettings } from '../../core/index.ts'
import { createKeyPair } from '../../util/index.ts'
import { jupyterhubAuthenticatorSettings } from '../settings.ts'
import { startFakeHub } from './fake-hub.fixture.ts'
import { createJupyterHubAuthenticator, type HubLimits } from './jupyterhub-authenticator.ts'

const token = '0123456789abcdef'
const ownToken = 'the-gateways-own-token'
const address = '192.0.2.7'
const alice = { kind: 'user', name: 'alice', admin: false, groups: ['staff'], scopes: [] }
const upstream = {
  code: 'upstream',
  message: "Upstream failure verifying user's JupyterHub API token",
}

const contractHub = await startFakeHub()
after(() => contractHub.close())
contractHub.answers(({ path, authorization }, response) => {
  const known = authorization === `token ${token}`
  response.statusCode = known ? 200 : path.endsWith('/user') ? 404 : 400
  response.end(JSON.stringify(known ? alice : { error: 'invalid_grant' }))
})

for (const [kind, settings] of [
  ['with tokens pasted', {}],
  ['with logins at the hub', { oauth_client_id: 'service-dask' }],
] as const)
  testAuthenticator(`JupyterHub ${kind}`, {
    create: () => create({ apiUrl: contractHub.apiUrl, ...settings }).authenticator,
    good: { authorization: `jupyterhub ${token}`, username: 'alice' },
    bad: ['jupyterhub ', 'jupyterhub a b', 'jupyterhub \u00e9', 'Basic YWxpY2U6', `token ${token}`],
  })

/** An authenticator, and the lines that it logs. */
function create(
  { apiUrl, ...settings }: { readonly apiUrl: string; readonly [name: string]: unknown },
  limits: Partial<HubLimits> = {},
  environment: { readonly [name: string]: string } = {},
) {
  const lines: string[] = []
  const log = (message: string, fields?: object) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { debug: log, info: log, warn: log, error: log, with: () => logger }
  const given = { jupyterhub_api_url: apiUrl, jupyterhub_api_token: ownToken, ...settings }
  const assigned = Object.entries(given).map(
    ([name, value]) => [name, { value, source: 'test' }] as const,
  )
  const values = resolveSettings(
    jupyterhubAuthenticatorSettings,
    new Map([['JupyterHubAuthenticator', new Map(assigned)]]),
  )
  const authenticator = createJupyterHubAuthenticator(values, { environment, logger, limits })
  return { authenticator, lines }
}

async function start(
  t: TestContext,
  settings: { readonly [name: string]: unknown } = {},
  limits: Partial<HubLimits> = {},
  tls: Parameters<typeof startFakeHub>[0] = null,
) {
  const hub = await startFakeHub(tls)
  t.after(() => hub.close())
  const it = create({ apiUrl: hub.apiUrl, ...settings }, limits)
  await it.authenticator.start()
  t.after(() => it.authenticator.stop())
  const authenticate = (given = token) =>
    it.authenticator.authenticate({ authorization: `jupyterhub ${given}`, address })
  return { ...it, hub, authenticate }
}

test("asks the hub with the user's token, which no log and no URL holds", async (t) => {
  const { hub, authenticate, lines } = await start(t)
  hub.says(200, alice)
  const user = { name: 'alice', groups: ['staff'], admin: false }
  assert.deepEqual(await authenticate(), { outcome: 'accepted', user })
  const { questions } = hub
  assert.deepEqual(questions, [
    { method: 'GET', path: '/base/hub/api/user', authorization: `token ${token}`, body: '' },
  ])
  for (const status of [403, 404, 418, 500]) {
    hub.says(status, token)
    await authenticate().catch(() => null)
  }
  assert.ok(lines.length >= 3)
  assert.doesNotMatch(lines.join(), new RegExp(`${token}|${ownToken}`))
})

for (const [found, name] of [
  [{ kind: 'user', name: 'alice' }, 'alice'],
  [{ kind: 'service', name: 'x', admin: true }, 'service:x'],
  [{ kind: 'user', name: 'service:x', groups: [] }, 'user:service:x'],
  [{ kind: 'user', name: 'jos\u00e9' }, 'jos\u00e9'],
] as const) {
  test(`a ${found.kind} ${found.name} is the user ${name}`, async (t) => {
    const { hub, authenticate } = await start(t)
    hub.says(200, found)
    const user = { name, groups: [], admin: 'admin' in found }
    assert.deepEqual(await authenticate(), { outcome: 'accepted', user })
  })
}

for (const [settings, scopes, outcome] of [
  [{}, [], 'accepted'],
  [{ jupyterhub_service_name: 'dask' }, [], 'refused'],
  [{ jupyterhub_service_name: 'dask' }, ['access:services!service=other'], 'refused'],
  [{ jupyterhub_service_name: 'dask' }, ['access:services!service=dask'], 'accepted'],
  [{ jupyterhub_service_name: 'dask' }, ['access:services'], 'accepted'],
  [{ jupyterhub_service_name: 'dask' }, undefined, 'refused'],
  [{ jupyterhub_service_name: 'dask', use_service_access_scopes: false }, [], 'accepted'],
] as const) {
  test(`with ${JSON.stringify(settings)}, a token with ${scopes} is ${outcome}`, async (t) => {
    const { hub, authenticate, lines } = await start(t, settings)
    hub.says(200, { ...alice, scopes })
    const result = await authenticate()
    assert.equal(result.outcome, outcome)
    if (result.outcome === 'refused') assert.match(result.reason, /access:services!service=dask/)
    const asked =
      'jupyterhub_service_name' in settings && !('use_service_access_scopes' in settings)
    assert.equal(/Any token of the hub/.test(lines.join()), !asked)
  })
}

for (const [status, code, message] of [
  [403, 'internal', "Permission failure verifying user's JupyterHub API token"],
  [400, 'internal', "Failure verifying user's JupyterHub API token"],
  [401, 'internal', "Failure verifying user's JupyterHub API token"],
  [500, 'upstream', upstream.message],
  [503, 'upstream', upstream.message],
  [302, 'upstream', upstream.message],
] as const) {
  test(`a ${status} of the hub`, async (t) => {
    const { hub, authenticate } = await start(t)
    const elsewhere = await startFakeHub()
    t.after(() => elsewhere.close())
    elsewhere.says(200, alice)
    hub.says(status, {}, { location: `${elsewhere.apiUrl}/user` })
    await assert.rejects(authenticate(), { code, message })
    assert.deepEqual(elsewhere.questions, [], 'the token went elsewhere')
  })
}

test('a 404 of the hub is nobody', async (t) => {
  const { hub, authenticate } = await start(t)
  hub.says(404, {})
  assert.equal((await authenticate()).outcome, 'refused')
})

for (const [what, body] of [
  ['garbage', '<html>'],
  ['nothing', ''],
  ['another shape', { name: ['alice'], kind: 'user' }],
  ['no kind', { name: 'alice' }],
  ['a list', []],
  ['2 MiB', ' '.repeat(2 * 1024 * 1024)],
] as const) {
  test(`${what} of the hub is a failure of the hub`, async (t) => {
    const { hub, authenticate } = await start(t)
    hub.says(200, body)
    await assert.rejects(authenticate(), upstream)
  })
}

for (const name of ['', 'al\nice', 'al\u202eice', 'a'.repeat(256)]) {
  test(`a user named ${JSON.stringify(name.slice(0, 10))} is refused`, async (t) => {
    const { hub, authenticate } = await start(t)
    hub.says(200, { kind: 'user', name })
    assert.equal((await authenticate()).outcome, 'refused')
  })
}

test('a hub that is slow, cuts the line, says no HTTP, or is away is a failure of the hub', async (t) => {
  const { hub, authenticate, lines } = await start(t, {}, { limitMs: 300 })
  hub.answers(() => {})
  await assert.rejects(authenticate(), upstream)
  assert.match(lines.at(-1) ?? '', /no answer within 0.3 s/)
  hub.answers((_question, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('{"name":')
  })
  await assert.rejects(authenticate(), upstream)
  hub.answers((_question, response) => void response.socket?.destroy())
  await assert.rejects(authenticate(), upstream)
  hub.answers((_question, response) => void response.socket?.end('SSH-2.0-x\r\n\r\n'))
  await assert.rejects(authenticate(), upstream)
  hub.says(200, alice)
  assert.equal((await authenticate()).outcome, 'accepted')
  await hub.close()
  await assert.rejects(authenticate(), upstream)
  assert.match(lines.at(-1) ?? '', /ECONNREFUSED/)
})

test('asks a few at once; the others wait their turn, and too many are refused at once', async (t) => {
  const limits = { maxInFlight: 2, maxWaiting: 3, limitMs: 30_000 }
  const { hub, authenticate } = await start(t, {}, limits)
  const held: (() => void)[] = []
  hub.answers((_question, response) => {
    held.push(() => response.end(JSON.stringify(alice)))
  })
  const five = Array.from({ length: 5 }, () => authenticate())
  await assert.rejects(authenticate(), upstream)
  await waitFor('two questions', () => held.length === 2)
  assert.equal(hub.questions.length, 2)
  for (let answered = 0; answered < 5; answered++) {
    await waitFor('a question', () => held.length > answered)
    assert.ok(hub.questions.length <= answered + 2)
    held[answered]?.()
  }
  for (const each of five) assert.equal((await each).outcome, 'accepted')
})

test('a stop ends what is under way', async (t) => {
  const { hub, authenticate, authenticator } = await start(t)
  hub.answers(() => {})
  const pending = assert.rejects(authenticate(), upstream)
  await waitFor('the question', () => hub.questions.length === 1)
  await authenticator.stop()
  await pending
})

test('over TLS, the hub must be who it says, and is shown our certificate', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-hub-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const pair = await createKeyPair(['localhost'])
  const own = await createKeyPair(['gateway'])
  const tls = {
    key: pair.keyPem,
    cert: pair.certPem,
    ca: own.certPem,
    requestCert: true,
    rejectUnauthorized: true,
  }
  const good = {
    tls_key: file('key.pem', own.keyPem),
    tls_cert: file('cert.pem', own.certPem),
    tls_ca: file('ca.pem', pair.certPem),
  }
  const known = await start(t, good, {}, tls)
  known.hub.says(200, alice)
  assert.equal((await known.authenticate()).outcome, 'accepted')
  for (const settings of [{}, { ...good, tls_ca: '' }, { tls_ca: good.tls_ca }]) {
    const other = await start(t, settings, {}, tls)
    other.hub.says(200, alice)
    await assert.rejects(other.authenticate(), upstream)
    assert.deepEqual(other.hub.questions, [])
  }
  const renewed = await start(t, { ...good, tls_ca: file('renewed.pem', own.certPem) }, {}, tls)
  renewed.hub.says(200, alice)
  await assert.rejects(renewed.authenticate(), upstream)
  file('renewed.pem', 'no PEM')
  await assert.rejects(async () => renewed.authenticator.reload?.(), { code: 'configuration' })
  file('renewed.pem', pair.certPem)
  await renewed.authenticator.reload?.()
  assert.equal((await renewed.authenticate()).outcome, 'accepted')
  const missing = create({ apiUrl: 'https://hub/api', tls_ca: join(directory, 'none.pem') })
  await assert.rejects(missing.authenticator.start(), {
    code: 'configuration',
    message: /^JupyterHubAuthenticator\.tls_ca: .*none\.pem cannot be read/,
  })
})

test('what is missing or does not fit is said at the start', () => {
  const apiUrl = 'http://hub/api'
  for (const [settings, message] of [
    [{ apiUrl: '' }, /jupyterhub_api_url is missing: set it, or JUPYTERHUB_API_URL/],
    [{ apiUrl, jupyterhub_api_token: '' }, /jupyterhub_api_token is missing: .*_API_TOKEN/],
    [{ apiUrl: 'http://[/' }, /jupyterhub_api_url must be a plain URL/],
    [{ apiUrl, use_service_access_scopes: true }, /needs a jupyterhub_service_name/],
    [{ apiUrl, tls_key: '/key' }, /tls_key and tls_cert must be set both, or neither/],
    [{ apiUrl, oauth_callback_url: '/callback' }, /must end with \/oauth_callback/],
    [{ apiUrl, jupyterhub_public_url: '//evil.example' }, /begins with one slash/],
  ] as const)
    assert.throws(() => create(settings), { code: 'configuration', message })
  const wrong = { JUPYTERHUB_API_URL: 'hub' }
  assert.throws(() => create({ apiUrl: '' }, {}, wrong), {
    message: /^environment variable JUPYTERHUB_API_URL: JupyterHubAuthenticator.jupyterhub_api_url/,
  })
})

test('the environment of a service gives what no setting does', async (t) => {
  const hub = await startFakeHub()
  t.after(() => hub.close())
  hub.says(200, { ...alice, scopes: ['access:services!service=dask'] })
  const settings = { apiUrl: '', jupyterhub_api_token: '' }
  const environment = {
    JUPYTERHUB_API_URL: `${hub.apiUrl}/`,
    JUPYTERHUB_API_TOKEN: ownToken,
    JUPYTERHUB_SERVICE_NAME: 'dask',
    JUPYTERHUB_CLIENT_ID: 'service-dask',
    JUPYTERHUB_OAUTH_CALLBACK_URL: '/base/services/dask/oauth_callback',
    JUPYTERHUB_BASE_URL: '/base/',
    JUPYTERHUB_HOST: '',
  }
  const { authenticator } = create(settings, {}, environment)
  await authenticator.start()
  t.after(() => authenticator.stop())
  const authorization = `jupyterhub ${token}`
  const { outcome } = await authenticator.authenticate({ authorization, address })
  assert.equal(outcome, 'accepted')
  assert.equal(hub.questions[0]?.path, '/base/hub/api/user')
  assert.ok(authenticator.login?.form === 'redirect')
  const attempt = { callbackUrl: 'http://x/oauth_callback', state: 's', secret: 'ab'.repeat(32) }
  const url = await authenticator.login.begin(attempt)
  assert.match(url, /^\/base\/hub\/api\/oauth2\/authorize\?client_id=service-dask&/)
  assert.match(url, /redirect_uri=%2Fbase%2Fservices%2Fdask%2Foauth_callback/)
})

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { bearer, createGatewayClient } from '../../client/src/index.ts'
import { startBrowser } from '../browser.ts'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from './harness.ts'
import {
  clientSecret,
  createCookieClient,
  createOidcProvider,
  logInAtProvider,
  type OidcProvider,
} from './oidc-provider.ts'
import { runPython } from './run-python.ts'

// A real OpenID provider, and a gateway below a prefix where people log in by it.

const directory = workingDirectory('oidc')
const secretFile = join(directory.path, 'client-secret')
const results = join(root, 'test-results')
const closers: (() => Promise<unknown> | unknown)[] = [() => directory.remove()]
const groups: { [name: string]: readonly string[] } = {
  alice: ['dask-users', 'physics, applied'],
  boss: ['dask-users', 'dask-admins'],
  mallory: ['others'],
}
let provider: OidcProvider
let gateway: RunningGateway

before(
  async () => {
    mkdirSync(results, { recursive: true })
    const [port, providerPort] = await Promise.all([freePort(), freePort()])
    provider = createOidcProvider(
      providerPort,
      `http://127.0.0.1:${port}/dask`,
      (name) => groups[name] ?? ['dask-users'],
    )
    await provider.start()
    closers.push(() => provider.stop())
    writeFileSync(secretFile, `${clientSecret}\n`)
    chmodSync(secretFile, 0o644) // the tests run it as nobody
    gateway = await startGateway({
      directory: directory.path,
      port,
      prefix: '/dask',
      config: `
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.OIDCAuthenticator"
c.OIDCAuthenticator.issuer = "${provider.issuer}"
c.OIDCAuthenticator.provider_name = "The Login & Co"
c.OIDCAuthenticator.client_id = "gateway"
c.OIDCAuthenticator.client_secret_file = "${secretFile}"
c.OIDCAuthenticator.username_claim = "preferred_username"
c.OIDCAuthenticator.allowed_groups = ["dask-users"]
c.OIDCAuthenticator.admin_groups = ["dask-admins"]
`,
    })
    closers.push(() => keepLog('oidc-gateway', gateway.log()))
    closers.push(() => gateway.stop())
  },
  { timeout: 120_000 },
)

after(async () => {
  for (const close of closers.toReversed()) await close()
})

const callback = () => `${gateway.address}/oauth_callback`

/** A login without a browser: what the callback answers, and its URL. */
async function logIn(name: string, browser = createCookieClient()) {
  const begun = await browser.ask(`${gateway.address}/login/start?next=/dask/x`)
  assert.equal(begun.status, 303, begun.text)
  const url = await logInAtProvider(browser, name, begun.location, callback())
  return { browser, url, answer: await browser.ask(url) }
}

interface Who {
  readonly name: string
  readonly groups: readonly string[]
  readonly admin: boolean
}

async function whoIs(browser: ReturnType<typeof createCookieClient>): Promise<Who | null> {
  const { status, text } = await browser.ask(`${gateway.address}/api/v1/user`)
  return status === 200 ? (JSON.parse(text) as Who) : null
}

test('a person logs in by the browser, works with a token in Python, and logs out of both', async () => {
  const browser = await startBrowser()
  closers.push(() => browser.close())
  const page = await (await browser.newContext()).newPage()
  page.setDefaultTimeout(30_000)
  await keepIn(page)
  await page.goto(`${gateway.address}/`)
  await page.getByText('come with an access token').waitFor()
  await page.screenshot({ path: join(results, 'oidc-login.png') })
  await page.getByRole('link', { name: 'Log in with The Login & Co' }).click()
  await page.locator('input[name=login]').fill('alice')
  await page.locator('input[name=password]').fill('x')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(`${gateway.address}/`)
  await page.getByText('alice', { exact: true }).waitFor()
  const cookies = await page.context().cookies(`${gateway.address}/logout`)
  const ours = cookies.filter(({ name }) => name.startsWith('dask-gateway-'))
  assert.deepEqual(ours.map(({ httpOnly, sameSite, path }) => [httpOnly, sameSite, path]).sort(), [
    [true, 'Lax', '/dask/'],
    [true, 'Strict', '/dask/logout'],
  ])
  const hint = ours.find(({ name }) => name.endsWith('-hint'))?.value ?? ''
  assert.match(hint, /^ey/)

  const secret = await page.evaluate(async () => {
    const answer = await fetch('api/v1/user/tokens', {
      method: 'POST',
      body: JSON.stringify({ name: 'notebook', scope: 'manage' }),
    })
    return ((await answer.json()) as { secret: string }).secret
  })
  assert.match(secret, /^dgt_/)
  const program = `
import os
from dask_gateway import BasicAuth, Gateway, JupyterHubAuth
token = os.environ["TOKEN"]
for auth in (BasicAuth("alice", token), JupyterHubAuth(api_token=token)):
    print("clusters", Gateway(os.environ["ADDRESS"], auth=auth).list_clusters())
try:
    Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice", "x")).list_clusters()
except Exception as error:
    print("refused", error)
`
  const told = await runPython(program, gateway.address, { TOKEN: secret }).ended
  assert.match(told, /clusters \[\]\nclusters \[\]\nrefused .*401.*access tokens only/)

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(`${gateway.address}/logout`)
  await page.screenshot({ path: join(results, 'oidc-logout.png') })
  await page.getByRole('link', { name: 'Log out of The Login & Co too' }).click()
  await page.getByRole('button', { name: 'Yes, sign me out' }).click()
  await page.waitForURL(`${gateway.address}/login`)
  const left = await page.context().cookies(`${gateway.address}/logout`)
  assert.ok(!left.some(({ name }) => name.endsWith('-hint')))
  await page.getByRole('link', { name: 'Log in with' }).click()
  await page.locator('input[name=login]').waitFor()

  const client = createGatewayClient({ address: gateway.address, auth: bearer(secret) })
  assert.equal((await client.user()).name, 'alice')
  for (const never of [secret, hint, clientSecret]) assert.ok(!gateway.log().includes(never))
})

test('groups are those of the provider, and say who may come and who rules', async () => {
  const alice = await logIn('alice')
  assert.equal(alice.answer.location, `${gateway.address}/x`)
  const { name, groups: told, admin } = (await whoIs(alice.browser)) ?? {}
  assert.deepEqual([name, told, admin], ['alice', ['dask-users', 'physics, applied'], false])
  assert.equal((await whoIs((await logIn('boss')).browser))?.admin, true)
  const mallory = await logIn('mallory')
  assert.equal(mallory.answer.status, 401)
  assert.match(mallory.answer.text, /User mallory may not use this gateway/)
  assert.equal(await whoIs(mallory.browser), null)
  assert.match(gateway.log(), /A login was refused.*mallory may not use/)
  assert.match(gateway.log(), /boss: login/)
})

test('an answer of the provider counts once, in the browser that asked, for the login that it is of', async () => {
  const { browser, url } = await logIn('alice')
  assert.equal((await browser.ask(url)).status, 403, 'replayed where one is logged in')
  assert.equal((await createCookieClient().ask(url)).status, 403, 'in another browser')

  const victim = createCookieClient()
  const begun = await victim.ask(`${gateway.address}/login/start`)
  const own = await logInAtProvider(victim, 'alice', begun.location, callback())
  const other = createCookieClient()
  const ofOther = await other.ask(`${gateway.address}/login/start`)
  const stolen = await logInAtProvider(other, 'boss', ofOther.location, callback())
  const mixed = new URL(own)
  mixed.searchParams.set('code', new URL(stolen).searchParams.get('code') ?? '')
  const answer = await victim.ask(mixed.href)
  assert.equal(answer.status, 401, 'the code of another login, by PKCE')
  assert.match(answer.text, /did not let you in \(invalid_grant\)/)
  assert.equal(await whoIs(victim), null)
  const fromElsewhere = new URL(own)
  fromElsewhere.searchParams.set('iss', 'https://evil.example')
  assert.equal((await victim.ask(fromElsewhere.href)).status, 401)
  assert.equal((await victim.ask(own)).status, 303, 'the right one still counts')
  assert.equal((await whoIs(victim))?.name, 'alice')
})

for (const name of ['team/alice', 'auth0|5f7c', 'élise', '🦀', 'a,b', '<b>x</b>', 'x'.repeat(255)])
  test(`${JSON.stringify(name).slice(0, 20)} is a user like others`, async () => {
    const { browser } = await logIn(name)
    assert.equal((await whoIs(browser))?.name, name)
    const made = await browser.ask(`${gateway.address}/api/v1/clusters/`)
    assert.equal(made.text, '{}')
  })

/** A client with an access token that somebody made after their login. */
async function clientOf(name: string, scope: string) {
  const { browser } = await logIn(name)
  const tokens = `${gateway.address}/api/v1/user/tokens`
  const made = await browser.ask(tokens, JSON.stringify({ name: 'test', scope }))
  const { secret } = JSON.parse(made.text) as { secret: string }
  return createGatewayClient({ address: gateway.address, auth: bearer(secret) })
}

test('names with slashes, commas and markup are the same for quotas, tokens, audit and clusters', async () => {
  const { admin } = await clientOf('boss', 'admin')
  for (const name of ['team/../alice', 'c,d', '<i>%2F</i>', '?a#b']) {
    const client = await clientOf(name, 'manage')
    assert.equal((await client.user()).name, name)
    const cluster = await client.create()
    const found = await admin.clusters({ user: name })
    assert.deepEqual(
      found.clusters.map((each) => [each.name, each.username]),
      [[cluster, name]],
    )
    await client.stop(cluster)
    const tokens = await admin.tokens(name)
    assert.deepEqual(
      tokens.map(({ username }) => username),
      [name],
    )
    const [login] = (await admin.events({ user: name })).filter(({ action }) => action === 'login')
    assert.deepEqual([login?.user, login?.message], [name, 'at The Login & Co'])
    const { usage } = await admin.usage({ user: name, by: ['user'] })
    assert.ok(usage.every(({ user }) => user === name))
    for (const scope of ['user', 'group'] as const) {
      const set = await admin.setQuota(scope, name, { clusters: 3 })
      assert.deepEqual([set.scope, set.name], [scope, name])
      await admin.unsetQuota(scope, name)
    }
  }
})

for (const name of [
  'x'.repeat(256),
  'al\u0000ice',
  'al\nice',
  '\u202eecila',
  ' alice',
  'e\u0301lise',
])
  test(`${JSON.stringify(name).slice(0, 20)} is no user`, async () => {
    const { browser, answer } = await logIn(name)
    assert.equal(answer.status, 401)
    assert.match(answer.text, /The user name /)
    assert.equal(await whoIs(browser), null)
  })

for (const name of ['Alice', 'ALICE', '\u0430lice', 'ａｌｉｃｅ'])
  test(`${name} is not let in while alice is here`, async () => {
    const { browser, answer } = await logIn(name)
    assert.equal(answer.status, 401)
    assert.match(answer.text, /Your user name looks like that of another user here/)
    assert.equal(await whoIs(browser), null)
  })

test('while the provider is away, sessions go on and others are told; it comes back with other keys', async () => {
  const { browser } = await logIn('alice')
  const waiting = createCookieClient()
  const begun = await waiting.ask(`${gateway.address}/login/start`)
  const url = await logInAtProvider(waiting, 'alice', begun.location, callback())
  await provider.stop()
  assert.equal((await whoIs(browser))?.name, 'alice')
  const away = await waiting.ask(url)
  assert.equal(away.status, 503)
  assert.match(away.text, /The Login &amp; Co does not answer; please try again later/)
  await provider.start()
  assert.equal((await whoIs((await logIn('alice')).browser))?.name, 'alice')
})

test('a gateway starts without its provider, and as a public client needs no secret', async (t) => {
  await provider.stop()
  const own = workingDirectory('oidc-public')
  t.after(() => own.remove())
  const it = await startGateway({
    directory: own.path,
    port: await freePort(),
    config: `
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.OIDCAuthenticator"
c.OIDCAuthenticator.issuer = "${provider.issuer}"
c.OIDCAuthenticator.client_id = "public"
c.OIDCAuthenticator.callback_url = "${callback()}"
`,
  })
  t.after(() => it.stop())
  t.after(() => provider.start())
  await waitFor('the word of it', () =>
    /does not tell how to log in, so nobody can.*ECONNREFUSED/.test(it.log()),
  )
  const browser = createCookieClient()
  const refused = await browser.ask(`${it.address}/login/start`)
  assert.equal(refused.status, 503)
  assert.match(refused.text, /127\.0\.0\.1:\d+ does not answer/)
  await provider.start()
  const begun = await browser.ask(`${it.address}/login/start`)
  const url = await logInAtProvider(browser, 'alice', begun.location, callback())
  // Its callback is the other gateway's, which knows nothing of this login; so we bring it here.
  const answer = await browser.ask(url.replace(gateway.address, it.address))
  assert.equal(answer.status, 303, answer.text)
  const user = await browser.ask(`${it.address}/api/v1/user`)
  assert.match(user.text, /"name":"alice"/)
  await provider.stop()
})

test('no code, state or secret stands in the log', () => {
  assert.doesNotMatch(gateway.log(), /code=|state=|eyJ/)
  assert.ok(!gateway.log().includes(clientSecret))
})

/** The provider's own pages want fonts from the network. */
async function keepIn(page: Page): Promise<void> {
  await page.route('**/*', (route) =>
    new URL(route.request().url()).hostname === '127.0.0.1' ? route.continue() : route.abort(),
  )
}

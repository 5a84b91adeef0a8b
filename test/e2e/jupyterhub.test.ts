import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createKeyPair } from '../../src/util/index.ts'
import { startBrowser } from '../browser.ts'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  makeDirectory,
  python,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { createHub } from './jupyterhub-server.ts'
import { runPython } from './run-python.ts'

// A real JupyterHub behind its own proxy, with HTTPS and a base URL, and two gateways: one at an address of its own, which
// asks the hub over HTTPS, and one that the hub itself runs from examples/jupyterhub.py as a service behind its proxy.

const gatewayToken = '1'.repeat(64)
const robotToken = '2'.repeat(64)
const directory = workingDirectory('jupyterhub')
const own = join(directory.path, 'own')
const managed = join(directory.path, 'managed')
const certificateFile = join(directory.path, 'hub-cert.pem')
const results = join(root, 'test-results')

// In place of a notebook server, which needs much more than the hub: what a notebook would run, and an HTTP server.
const notebook = `
import http.server, os, urllib.parse
from dask_gateway import Gateway
try:
    outcome = Gateway(os.environ['ADDRESS'], auth='jupyterhub').list_clusters()
except Exception as error:
    outcome = error
with open('outcome.part', 'w') as file:
    print(outcome, file=file)
os.rename('outcome.part', 'outcome')
port = urllib.parse.urlsplit(os.environ['JUPYTERHUB_SERVICE_URL']).port
http.server.HTTPServer(('127.0.0.1', port), http.server.BaseHTTPRequestHandler).serve_forever()
`

let hub: ReturnType<typeof createHub>
let runningHub: Awaited<ReturnType<typeof hub.start>>
let gateway: RunningGateway
let aliceToken: string
const closers: (() => Promise<unknown> | unknown)[] = [() => directory.remove()]
const pages: Page[] = []
let browser: Browser | null = null

before(
  async () => {
    mkdirSync(results, { recursive: true })
    const [port, apiPort, proxyApiPort, gatewayPort, managedPort] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ])
    makeDirectory(own)
    makeDirectory(managed)
    copyFileSync(join(root, 'examples/jupyterhub.py'), join(managed, 'dask_gateway_config.py'))
    const command = [
      join(root, 'bin/dask-gateway-server'),
      ...['-f', join(managed, 'dask_gateway_config.py')],
      '--Proxy.tcp_address=127.0.0.1:0',
    ]
    hub = createHub({
      directory: directory.path,
      port,
      apiPort,
      proxyApiPort,
      certificate: await createKeyPair(['localhost']),
      config: `
services += [
    {"name": "dask", "api_token": "${gatewayToken}", "oauth_client_id": "service-dask",
     "oauth_redirect_uri": "http://127.0.0.1:${gatewayPort}/dask/oauth_callback"},
    {"name": "robot", "api_token": "${robotToken}"},
    {"name": "managed", "url": "http://127.0.0.1:${managedPort}", "cwd": "${managed}",
     "environment": {"HOME": "${managed}"}, "command": ${JSON.stringify(command)}},
]
roles += [{"name": "dask-users", "users": ["alice"], "services": ["robot"],
           "scopes": ["access:services!service=dask", "access:services!service=managed"]},
          {"name": "server", "scopes": ["users:activity!user", "access:servers!server",
                                        "access:services!service=dask"]}]
c.Spawner.environment = {"ADDRESS": "http://127.0.0.1:${gatewayPort}/dask"}
c.Spawner.cmd = ["${python}", "-c", """${notebook}"""]
`,
    })
    runningHub = await hub.start()
    closers.push(() => keepLog('jupyterhub', hub.log()))
    closers.push(() => runningHub.stop())
    gateway = await startGateway({
      directory: own,
      port: gatewayPort,
      prefix: '/dask',
      config: `
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.JupyterHubAuthenticator"
c.JupyterHubAuthenticator.oauth_client_id = "service-dask"
c.JupyterHubAuthenticator.tls_ca = "${certificateFile}"
c.Authenticator.cache_max_age = 1
`,
      env: {
        JUPYTERHUB_API_URL: `${hub.url}/hub/api`,
        JUPYTERHUB_API_TOKEN: gatewayToken,
        JUPYTERHUB_SERVICE_NAME: 'dask',
      },
    })
    closers.push(() => keepLog('jupyterhub-gateway', gateway.log()))
    closers.push(() => gateway.stop())
    aliceToken = await hub.token('alice', ['access:services!service=dask'])
    browser = await startBrowser()
    closers.push(() => browser?.close())
  },
  { timeout: 120_000 },
)

afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close()
})

after(async () => {
  for (const close of closers.toReversed()) await close()
})

const ask = (token: string, cookie = '') =>
  fetch(`${gateway.address}/api/v1/clusters/`, {
    headers: { authorization: `jupyterhub ${token}`, cookie },
  })

/** Whom the gateway takes a session for. */
async function nameOf(answer: Response): Promise<string | undefined> {
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const user = await fetch(`${gateway.address}/api/v1/user`, { headers: { cookie } })
  return ((await user.json()) as { name?: string }).name
}

test('a user of the hub computes by auth="jupyterhub", and sees the dashboard after a login at the hub', async () => {
  const program = `
import os, sys
from dask_gateway import Gateway
gateway = Gateway(os.environ["ADDRESS"], auth="jupyterhub")
assert gateway.list_clusters() == []
with gateway.new_cluster() as cluster:
    cluster.scale(1)
    with cluster.get_client() as client:
        print("computed", client.submit(sum, [20, 22]).result(timeout=60))
        print("dashboard", cluster.dashboard_link)
        sys.stdin.readline()
print("done")
`
  const client = runPython(program, gateway.address, { JUPYTERHUB_API_TOKEN: aliceToken })
  await client.printed('dashboard ')
  assert.match(client.output(), /computed 42/)
  const link = /dashboard (\S+)/.exec(client.output())?.[1] ?? ''

  const page = await newPage()
  await page.goto(link)
  assert.match(page.url(), /\/dask\/login\?next=/)
  await page.screenshot({ path: join(results, 'jupyterhub-login.png') })
  await page.getByRole('link', { name: 'Log in with JupyterHub' }).click()
  await logInAtHub(page, 'alice')
  await page.waitForURL((url) => url.href.startsWith(`${gateway.address}/clusters/`))
  await page.locator('canvas').first().waitFor()
  await page.screenshot({ path: join(results, 'jupyterhub-dashboard.png') })
  const [session, ...others] = await cookiesAt(page, `${gateway.address}/`)
  assert.deepEqual([session?.httpOnly, session?.sameSite, others], [true, 'Lax', []])
  client.write('')
  await client.ended
})

test('a service of the hub comes with its token, under a name that no user has', async () => {
  const answer = await ask(robotToken)
  assert.equal(answer.status, 200)
  assert.equal(await nameOf(answer), 'service:robot')
  assert.equal(await nameOf(await ask(aliceToken)), 'alice')
})

test('a token without the scope is nobody, and one that the hub does not know is a fault', async () => {
  for (const token of [
    await hub.token('bob', ['self']),
    await hub.token('alice', ['read:users!user']),
  ]) {
    const answer = await ask(token)
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('www-authenticate'), 'jupyterhub')
    assert.equal(answer.headers.get('set-cookie'), null)
    assert.match(await answer.text(), /access:services!service=dask/)
  }
  const unknown = await ask('3'.repeat(64))
  assert.equal(unknown.status, 500)
  assert.deepEqual(await unknown.json(), {
    error: "Permission failure verifying user's JupyterHub API token",
    code: 'internal',
  })
})

test("a notebook of the hub needs no token but its own, where its user's role gives access", async () => {
  const outcomeOf = async (user: string) => {
    await hub.spawn(user)
    const file = join(directory.path, `home-${user}`, 'outcome')
    await waitFor(`the notebook of ${user}`, () => existsSync(file), 60_000)
    return readFileSync(file, 'utf8').trim()
  }
  const [alices, bobs] = await Promise.all([outcomeOf('alice'), outcomeOf('bob')])
  assert.equal(alices, '[]')
  assert.match(bobs, /401.*access:services!service=dask/)
})

test('who may not use the service does not come in by the browser', async () => {
  const page = await newPage()
  await page.goto(`${gateway.address}/login`)
  await page.getByRole('link', { name: 'Log in with JupyterHub' }).click()
  await logInAtHub(page, 'bob', false)
  await page.getByRole('heading', { name: 'You do not have permission' }).waitFor()
  assert.ok(page.url().startsWith(hub.url))
  const callback = `${gateway.address}/oauth_callback?code=stolen&state=1.2.3`
  assert.equal((await page.goto(callback))?.status(), 403)
  const cookies = await cookiesAt(page, `${gateway.address}/`)
  assert.deepEqual(
    cookies.filter(({ name }) => !name.endsWith('-login')),
    [],
  )
})

test('the hub runs the example as a service: a login behind its proxy, and the client through it', async () => {
  const address = `${hub.url}/services/managed`
  const page = await newPage()
  await page.goto(`${address}/`)
  await page.getByRole('link', { name: 'Log in with JupyterHub' }).click()
  await logInAtHub(page, 'alice')
  await page.waitForURL(`${address}/`)
  await page.getByText('alice', { exact: true }).waitFor()
  assert.match(
    (await page.locator('pre').textContent()) ?? '',
    new RegExp(`Gateway\\("${address}", auth=auth\\)`),
  )
  await page.screenshot({ path: join(results, 'jupyterhub-home.png') })
  const [session] = await cookiesAt(page, `${address}/`)
  assert.equal(session?.secure, true)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(`${address}/login`)

  const token = await hub.token('alice', ['access:services!service=managed'])
  const program = `
import os
from dask_gateway import Gateway
print("clusters", Gateway(os.environ["ADDRESS"], auth="jupyterhub").list_clusters())
`
  const env = { JUPYTERHUB_API_TOKEN: token, SSL_CERT_FILE: certificateFile }
  assert.match(await runPython(program, address, env).ended, /clusters \[\]/)
})

test('without an OAuth client, a token of the hub is pasted', async (t) => {
  const pasted = join(directory.path, 'pasted')
  makeDirectory(pasted)
  const it = await startGateway({
    directory: pasted,
    port: await freePort(),
    config: `
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.JupyterHubAuthenticator"
c.JupyterHubAuthenticator.jupyterhub_service_name = "dask"
c.JupyterHubAuthenticator.jupyterhub_api_url = "${hub.url}/hub/api"
c.JupyterHubAuthenticator.jupyterhub_public_url = "${hub.url}/hub"
c.JupyterHubAuthenticator.jupyterhub_api_token = "${gatewayToken}"
c.JupyterHubAuthenticator.tls_ca = "${certificateFile}"
`,
  })
  t.after(() => it.stop())
  const page = await newPage()
  await page.goto(`${it.address}/`)
  const link = page.getByRole('link', { name: 'on this page of JupyterHub' })
  assert.equal(await link.getAttribute('href'), `${hub.url}/hub/token`)
  await page.getByLabel('Token of JupyterHub').fill('3'.repeat(64))
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByText('JupyterHub does not take this token.').waitFor()
  await page.screenshot({ path: join(results, 'jupyterhub-token.png') })
  await page.getByLabel('Token of JupyterHub').fill(aliceToken)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByText('alice', { exact: true }).waitFor()
})

test('while the hub is away, sessions go on and others are told; when it is back, all is well', async () => {
  const page = await newPage()
  const known = await ask(aliceToken)
  const cookie = (known.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  await runningHub.stop()
  const asked = await ask(robotToken)
  assert.equal(asked.status, 502)
  const sentence = "Upstream failure verifying user's JupyterHub API token"
  assert.equal(asked.statusText, sentence)
  assert.deepEqual(await asked.json(), { error: sentence, code: 'upstream' })
  // The session of a second is over by now or not; the client would ask anew.
  assert.ok([200, 502].includes((await ask(aliceToken, cookie)).status))
  const program = `
import os
from dask_gateway import Gateway
try:
    Gateway(os.environ["ADDRESS"], auth="jupyterhub").list_clusters()
except Exception as error:
    print(type(error).__name__, error)
`
  const told = await runPython(program, gateway.address, { JUPYTERHUB_API_TOKEN: aliceToken }).ended
  assert.match(told, new RegExp(sentence))
  runningHub = await hub.start()
  await waitFor('the hub to be asked again', async () => (await ask(aliceToken)).status === 200)
  await page.goto(`${gateway.address}/login`)
  await page.getByRole('link', { name: 'Log in with JupyterHub' }).click()
  await logInAtHub(page, 'alice', false)
  await page.getByText('alice', { exact: true }).waitFor()
})

test('no token stands in a log', () => {
  for (const secret of [aliceToken, gatewayToken, robotToken]) {
    assert.ok(!gateway.log().includes(secret))
    assert.ok(!hub.log().includes(secret))
  }
  assert.doesNotMatch(gateway.log(), /code=|state=/)
})

/** A page of a browser that has never been here. */
async function newPage(): Promise<Page> {
  assert.ok(browser !== null)
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1000, height: 700 },
  })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  pages.push(page)
  return page
}

/** What the gateway has put into the browser. */
async function cookiesAt(page: Page, url: string) {
  const cookies = await page.context().cookies(url)
  return cookies.filter(({ name }) => name.startsWith('dask-gateway-'))
}

/** The hub's own login, and, the first time, its question whether the gateway may know who one is. */
async function logInAtHub(page: Page, user: string, confirms = true): Promise<void> {
  await page.waitForURL(/\/base\/hub\/login\?/)
  await page.getByLabel('Username').fill(user)
  await page.getByRole('button', { name: /sign in/i }).click()
  if (confirms) await page.getByRole('button', { name: 'Authorize' }).click()
}

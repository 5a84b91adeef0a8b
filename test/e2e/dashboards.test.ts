import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { DashboardTarget, Logger } from '../../src/core/index.ts'
import { createDashboards, type Dashboards } from '../../src/dashboards/index.ts'
import { startBrowser } from '../browser.ts'

// A real scheduler and a hostile page, each behind the handler of dashboards, in a real Chromium. The gateway
// around it is a stub whose API trusts every cookie: only the sandbox stands between it and the pages.

const root = join(import.meta.dirname, '../..')
const python = process.env.DASK_GATEWAY_TEST_PYTHON ?? join(root, '.venv/bin/python')
const real = 'a'.repeat(32)
const hostile = 'b'.repeat(32)
const cookie = 'dask-gateway-test=alice'
const results = join(root, 'test-results')

const closers: (() => Promise<unknown> | unknown)[] = []
let browser: Browser
let url: string
/** What reached the stub's API: how, and whether with the visitor's cookie. */
let apiCalls: { readonly path: string; readonly loggedIn: boolean }[] = []

before(
  async () => {
    assert.ok(existsSync(python), `${python} is missing: set DASK_GATEWAY_TEST_PYTHON`)
    const [scheduler, hostilePages] = await Promise.all([startScheduler(), startHostilePages()])
    url = await startGateway({ [real]: scheduler, [hostile]: hostilePages })
    browser = await startBrowser()
    closers.push(() => browser.close())
    mkdirSync(results, { recursive: true })
  },
  { timeout: 60_000 },
)

after(async () => {
  for (const close of closers.reverse()) await close()
})

test('a person logs in, lands on a session, and the status page draws', async () => {
  const page = await newPage()
  const problems = watchProblems(page)
  const opened = page.waitForEvent('websocket')
  await page.goto(`${url}/clusters/${real}/status?theme=light`)
  assert.match(
    page.url(),
    new RegExp(`/pre/clusters/${real}/~s\\.owner\\.[\\w.-]+/status\\?theme=light$`),
  )
  const webSocket = await opened
  assert.match(webSocket.url(), /\/~s\.owner\.[\w.-]+\/status\/ws/)
  await webSocket.waitForEvent('framereceived')
  // Figures live in the shadow roots of Bokeh, which locators look into.
  await page.locator('canvas').first().waitFor()
  const drawn = await page.locator('canvas').count()
  assert.ok(drawn >= 5, `${drawn} canvases`)
  await page.screenshot({ path: join(results, 'dashboard-status.png') })
  await page.getByRole('link', { name: 'Workers', exact: true }).click()
  await page.waitForURL(/\/~s\.owner\.[\w.-]+\/workers$/)
  await page.locator('canvas, .bk-Figure, .bk-DataTable').first().waitFor()
  await page.goto(`${url}/clusters/${real}`)
  await page.waitForURL(/\/~s\.[\w.-]+\/status$/)
  await page.goto(`${page.url().replace(/status$/, '')}info/main/workers.html`)
  await page.getByText('Scheduler').first().waitFor({ state: 'attached' })
  await page.screenshot({ path: join(results, 'dashboard-info.png') })
  await page.goto(page.url().replace('info/main/workers', 'statics/individual-cluster-map'))
  assert.match(await page.evaluate<string>(askEventStream), /"pong"/)
  assert.deepEqual(problems, [])
  await page.context().close()
})

test('without the sandbox, the hostile page would read the API', async () => {
  const page = await newPage()
  await page.goto(`${url}/unsafe/page.html`)
  const tries = await triesOf(page)
  assert.match(tries.fetch ?? '', /secret/)
  assert.match(tries.xhr ?? '', /secret/)
  assert.match(tries.iframe ?? '', /secret/)
  assert.match(tries.cookieSet ?? '', /planted/)
  await page.context().close()
})

for (const document of ['page.html', 'page.svg', 'page.xhtml']) {
  test(`a hostile ${document} of a dashboard reads nothing of the visitor`, async () => {
    apiCalls = []
    const page = await newPage()
    await page.goto(`${url}/clusters/${hostile}/${document}`)
    assert.match(page.url(), /\/~s\.owner\./)
    const tries = await triesOf(page)
    for (const [way, outcome] of Object.entries(tries))
      assert.doesNotMatch(outcome, /secret|planted|open|registered/, way)
    assert.equal(Object.keys(tries).length, 15, JSON.stringify(tries))
    const calls = apiCalls.filter(({ path }) => !path.includes('popup'))
    assert.ok(calls.length >= 4, JSON.stringify(calls))
    assert.deepEqual(
      calls.filter(({ loggedIn }) => loggedIn),
      [],
      'the cookie went along',
    )
    assert.deepEqual(
      (await page.context().cookies()).map(({ name }) => name),
      ['dask-gateway-test'],
    )
    await page.context().close()
  })
}

/** What the page of the cluster's map does. Unlike Bokeh, this WebSocket takes pages of its own origin only. */
const askEventStream = `new Promise((resolve, reject) => {
  const socket = new WebSocket(new URL('../eventstream', document.URL.replace(/^http/, 'ws')))
  socket.onopen = () => socket.send(JSON.stringify({ name: 'ping' }))
  socket.onmessage = ({ data }) => resolve(data)
  socket.onerror = () => reject(new Error('refused'))
})`

/** A page of a browser that has never been here; the stub's login form takes everybody. */
async function newPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  return page
}

/** What a page could not load, run or open, but for style sheets from elsewhere: tests have no network. */
function watchProblems(page: Page): string[] {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`))
  page.on('console', (message) => {
    const isOurs = message.location().url.startsWith(new URL(url).origin)
    if (message.type() === 'error' && isOurs) problems.push(`console: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`)
  })
  return problems
}

async function triesOf(page: Page): Promise<Record<string, string>> {
  await page.waitForFunction('window.tries?.done')
  return page.evaluate('window.tries')
}

async function startScheduler(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'dask-dashboard-'))
  const command = ['--host', '127.0.0.1', '--port', '0', '--dashboard-address', '127.0.0.1:0']
  const scheduler = spawn(python, ['-m', 'distributed.cli.dask_scheduler', ...command], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  closers.push(async () => {
    if (scheduler.exitCode === null && scheduler.signalCode === null) {
      scheduler.kill('SIGKILL')
      await once(scheduler, 'exit')
    }
    rmSync(directory, { recursive: true, force: true })
  })
  let said = ''
  for await (const line of createInterface({ input: scheduler.stderr })) {
    said += `${line}\n`
    const port = /dashboard at:\s+\S*:(\d+)/.exec(line)?.[1]
    if (port === undefined) continue
    scheduler.stderr.resume()
    return `http://127.0.0.1:${port}`
  }
  throw new Error(`the scheduler ended: ${said}`)
}

/** Somebody's dashboard that tries every way to what it should not see. */
function startHostilePages(): Promise<string> {
  return listen(createServer(hostilePage))
}

function hostilePage(request: IncomingMessage, response: ServerResponse): void {
  const head = (type: string) =>
    response.writeHead(200, {
      'Content-Type': type,
      'Content-Security-Policy': 'sandbox allow-scripts allow-same-origin',
      'Set-Cookie': 'planted=1; Path=/',
      'Service-Worker-Allowed': '/',
    })
  const script = `//<![CDATA[\n(${hostileScript})()\n//]]>`
  const xhtml = 'xmlns="http://www.w3.org/1999/xhtml"'
  if (request.url?.endsWith('.js'))
    return void head('text/javascript').end('self.onfetch = () => {}')
  if (request.url?.endsWith('.svg'))
    return void head('image/svg+xml').end(
      `<svg xmlns="http://www.w3.org/2000/svg"><script>${script}</script></svg>`,
    )
  if (request.url?.endsWith('.xhtml'))
    return void head('application/xhtml+xml').end(
      `<html ${xhtml}><head><title>x</title></head><body><script>${script}</script></body></html>`,
    )
  head('text/html').end(`<!doctype html><body><script>${script}</script>`)
}

/** Runs in the page, as text: each try leaves what it got, or why not. */
const hostileScript = `async function () {
  const tries = (window.tries = {})
  const api = '/pre/api/v1/clusters/'
  const xhtml = 'http://www.w3.org/1999/xhtml'
  const home = document.body ?? document.documentElement
  const add = (tag, attributes) => {
    const element = document.createElementNS(xhtml, tag)
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
    home.appendChild(element)
    return element
  }
  const loaded = (target) => new Promise((resolve) => {
    target.addEventListener('load', () => resolve('load'))
    target.addEventListener('error', () => resolve('error'))
    setTimeout(() => resolve('nothing'), 1500)
  })
  const attempt = async (way, action) => {
    try { tries[way] = String(await action()) } catch (error) { tries[way] = 'no: ' + error.name }
  }
  await Promise.all([
    attempt('fetch', async () => (await fetch(api + '?fetch', { credentials: 'include' })).text()),
    attempt('noCors', async () => (await fetch(api + '?noCors', { credentials: 'include', mode: 'no-cors' })).text()),
    attempt('post', async () => (await fetch(api + '?post', { method: 'POST', body: '{}', credentials: 'include', mode: 'no-cors' })).text()),
    attempt('xhr', () => new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.withCredentials = true
      request.onload = () => resolve(request.responseText)
      request.onerror = () => reject(new Error('refused'))
      request.open('GET', api + '?xhr')
      request.send()
    })),
    attempt('iframe', async () => {
      const frame = add('iframe', { src: api + '?iframe' })
      await loaded(frame)
      return frame.contentDocument ? frame.contentDocument.documentElement.textContent : 'no document'
    }),
    attempt('form', async () => {
      const frame = add('iframe', { name: 'form-answer' })
      const form = add('form', { action: api + '?form', method: 'post', target: 'form-answer' })
      form.submit()
      await loaded(frame)
      return frame.contentDocument ? frame.contentDocument.documentElement.textContent : 'no document'
    }),
    attempt('image', () => loaded(add('img', { src: api + '?image' }))),
    attempt('webSocket', () => new Promise((resolve) => {
      const socket = new WebSocket('ws://' + new URL(document.URL).host + api + '?webSocket')
      socket.onopen = () => resolve('open')
      socket.onerror = () => resolve('refused')
    })),
    attempt('popup', async () => {
      const popup = window.open(api + '?popup')
      await new Promise((resolve) => setTimeout(resolve, 700))
      const text = popup ? popup.document.documentElement.textContent : 'no window'
      popup?.close()
      return text
    }),
    attempt('cookie', () => 'cookie ' + document.cookie.replace(/dask-gateway/, 'secret')),
    attempt('cookieSet', () => { document.cookie = 'planted=1; Path=/'; return document.cookie }),
    attempt('storage', () => { localStorage.x = 'planted'; return localStorage.x }),
    attempt('serviceWorker', async () => {
      await navigator.serviceWorker.register('worker.js', { scope: '/' })
      return 'registered'
    }),
    attempt('otherDashboard', async () => (await fetch('../../${real}/json/identity.json', { credentials: 'include' })).text()),
  ])
  tries.done = 'yes'
}`

/** The gateway around the handler: a login, an API that trusts the cookie, and no other defence. */
function startGateway(addresses: { readonly [name: string]: string }): Promise<string> {
  const dashboards: Dashboards = createDashboards({
    findDashboard: (name): DashboardTarget | null =>
      addresses[name] === undefined
        ? null
        : { clusterName: name, username: 'alice', address: addresses[name], key: 'unused' },
    authenticate: async (request) =>
      isLoggedIn(request) ? { name: 'alice', groups: [], admin: false } : null,
    signingKey: Buffer.alloc(32, 1),
    prefix: '/pre',
    auth: 'login',
    dashboardHost: null,
    logger: silent,
  })
  closers.push(() => dashboards.close())
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/pre/, '')
    if (path.startsWith('/clusters/')) {
      request.url = path
      return dashboards.handleRequest(request, response, { address: '127.0.0.1', secure: false })
    }
    if (path.startsWith('/unsafe/')) return hostilePage(request, unsandboxed(response))
    if (path.startsWith('/login')) return logIn(path, response)
    if (path === '/favicon.ico') return void response.writeHead(204).end()
    serveApi(path, request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    const path = (request.url ?? '').replace(/^\/pre/, '')
    request.url = path
    if (path.startsWith('/clusters/'))
      return dashboards.handleUpgrade(request, socket, head, {
        address: '127.0.0.1',
        secure: false,
      })
    apiCalls.push({ path, loggedIn: isLoggedIn(request) })
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  return listen(server).then((address) => `${address}/pre`)
}

function serveApi(path: string, request: IncomingMessage, response: ServerResponse): void {
  const loggedIn = isLoggedIn(request)
  if (path.startsWith('/api/')) apiCalls.push({ path, loggedIn })
  response.writeHead(loggedIn ? 200 : 401, { 'Content-Type': 'text/plain' })
  response.end(loggedIn ? 'secret' : 'log in')
}

function logIn(path: string, response: ServerResponse): void {
  const next = new URL(path, 'http://x').searchParams.get('next') ?? '/'
  const header = `${cookie}; HttpOnly; SameSite=Lax; Path=/pre/`
  response.writeHead(302, { Location: next, 'Set-Cookie': header }).end()
}

/** The same hostile page as it would be without what the handler adds, for a visitor who is logged in. */
function unsandboxed(response: ServerResponse): ServerResponse {
  const writeHead = response.writeHead.bind(response)
  response.writeHead = ((status: number, headers: Record<string, string>) =>
    writeHead(status, {
      'Content-Type': headers['Content-Type'],
      'Set-Cookie': `${cookie}; HttpOnly; SameSite=Lax; Path=/pre/`,
    })) as typeof response.writeHead
  return response
}

function isLoggedIn(request: IncomingMessage): boolean {
  return request.headers.cookie?.includes(cookie) ?? false
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silent,
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { isForeign, isRefusedEverywhere } from '../../src/api/cross-site.ts'
import { startBrowser } from '../browser.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { cookieName, dashboardKey } from '../support/fake-dashboard.ts'
import {
  createHostileDashboard,
  createOtherDashboard,
  hostileDocuments,
} from './hostile-dashboard/pages.ts'
import {
  createStubGateway,
  embeddingScript,
  type StubCall,
} from './hostile-dashboard/stub-gateway.ts'

// A real scheduler and hostile pages, each behind the handler of dashboards, in a real Chromium. The gateway around
// it is a stub whose API trusts every cookie: only the sandbox stands between it and the pages.

const root = join(import.meta.dirname, '../..')
const python = process.env.DASK_GATEWAY_TEST_PYTHON ?? join(root, '.venv/bin/python')
const real = 'a'.repeat(32)
const hostile = 'b'.repeat(32)
const other = 'c'.repeat(32)
const results = join(root, 'test-results')

const closers: (() => Promise<unknown> | unknown)[] = []
let browser: Browser
/** Of the gateway whose dashboards ask for a login, and of one whose dashboards open by link. */
let url: string
let linkUrl: string
let calls: StubCall[]
/** Pages of somebody else's site, another one to the browser than the gateways' (`localhost`, not `127.0.0.1`). */
let elsewhere: string
let visits: { readonly url: string; readonly headers: IncomingHttpHeaders }[]

before(
  async () => {
    assert.ok(existsSync(python), `${python} is missing: set DASK_GATEWAY_TEST_PYTHON`)
    const addresses = {
      [real]: await startScheduler(),
      [hostile]: await listen(createHostileDashboard({ other, waitMs: 2_000 })),
      [other]: await listen(createOtherDashboard()),
    }
    const byLogin = createStubGateway({ addresses, auth: 'login', other })
    const byLink = createStubGateway({ addresses, auth: 'link', other })
    closers.push(byLogin.close, byLink.close)
    calls = byLogin.calls
    url = `${await listen(byLogin.server)}/pre`
    linkUrl = `${await listen(byLink.server)}/pre`
    elsewhere = (await listen(createElsewhere())).replace('127.0.0.1', 'localhost')
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

/** What an attempt says that was of use. */
const gain = /secret|planted|registered|open$|~s\./

/** What gets nothing without the sandbox either: the browser refuses it, or the other cluster's own sandbox does. */
const alwaysInVain = [
  ...['data', 'entries', 'namedWindow', 'otherByDots', 'otherByOwnPass', 'otherFrame'],
  ...['otherHistory', 'otherPopup', 'otherPopupScript', 'otherPost', 'otherPostTop'],
  ...['otherRedirect', 'otherRefresh', 'otherWebSocket', 'otherWebSocketByOwnPass'],
  ...['password', 'referrer'],
]

test("without the sandbox, the hostile page reads and changes what is the visitor's", async () => {
  const page = await newPage('alice')
  const { done, ...tries } = await triesAt(page, `${url}/unsafe/page.html`)
  const inVain = Object.entries(tries).filter(
    ([way, outcome]) => !gain.test(outcome) && !callsOf(way).some(({ loggedIn }) => loggedIn),
  )
  assert.deepEqual(inVain.map(([way]) => way).sort(), alwaysInVain, JSON.stringify(inVain))
  assert.ok(Object.keys(tries).length >= 60)
  await page.context().close()
})

for (const [visitor, kind, query] of [
  ['alice', 'owner', ''],
  ['root', 'admin', '?as=admin'],
] as const)
  for (const document of hostileDocuments)
    test(`a hostile ${document} gets and changes nothing through its ${kind}`, async () => {
      const page = await newPage(visitor)
      const victim = await page.context().newPage()
      await victim.goto(`${url}/home`)
      await victim.evaluate('window.name = "victim"')
      const before = await page.context().cookies()
      calls.length = 0
      const tries = await triesAt(page, `${url}/clusters/${hostile}/${document}${query}`)
      assert.match(page.url(), new RegExp(`/~s\\.${kind}\\.`))
      assert.ok(Object.keys(tries).length > 60, JSON.stringify(tries))
      for (const [way, outcome] of Object.entries(tries)) assert.doesNotMatch(outcome, gain, way)
      assert.deepEqual(await page.context().cookies(), before)
      assert.equal(await victim.title(), 'home')
      const popup = await waitFor('the popup', () => callsOf('popup')[0])
      // What arrived is what the real API refuses, and has no cookie but where the browser itself goes to a page.
      assert.ok(calls.length >= 30, JSON.stringify(calls))
      for (const call of calls) {
        const told = JSON.stringify(call)
        assert.ok(isForeign(call.headers) && isRefusedEverywhere(call.headers), told)
        assert.equal(call.headers.referer, undefined, told)
        if (call.loggedIn) assert.match(`${call.method} ${call.url}`, /^GET .*\?(popup|download)$/)
      }
      assert.match(popup.headers.cookie ?? '', new RegExp(`=${visitor}`))
      await page.context().close()
    })

test('a page that frames or opens a hostile dashboard is out of its reach', async () => {
  for (const [home, dashboard] of [
    [`${url}/home`, `${url}/clusters/${hostile}/relatives`],
    [`${elsewhere}/lab`, `${linkUrl}/clusters/${hostile}/~${dashboardKey}/relatives`],
  ] as const)
    for (const way of [frameOf(dashboard), `window.open(${JSON.stringify(dashboard)})`]) {
      const page = await newPage('alice')
      await page.goto(home)
      await page.evaluate(`void ${way}`)
      await page.waitForFunction('told.length > 0', undefined, { polling: 100 })
      const [{ origin, ...tries }] = await page.evaluate<[Record<string, string>]>('told')
      assert.equal(origin, 'null')
      const { navigation, frame, ...rest } = tries
      for (const outcome of Object.values(rest)) assert.equal(outcome, 'no: SecurityError')
      assert.notEqual(navigation, 'planted')
      assert.equal(frame, 'null')
      assert.equal(page.url(), home)
      await page.context().close()
    }
})

test('by link, a page of another site shows the real dashboard in a frame', async () => {
  const base = `${linkUrl}/clusters/${real}/~${dashboardKey}`
  // What JupyterLab's extension asks first, by its server.
  const plots = (await (await fetch(`${base}/individual-plots.json`)).json()) as object
  assert.ok(Object.values(plots).includes('/individual-task-stream'), JSON.stringify(plots))
  for (const [path, figures] of [
    ['status', 5],
    ['individual-task-stream', 1],
  ] as const) {
    const page = await newPage()
    const problems = watchProblems(page, linkUrl)
    await page.goto(`${elsewhere}/lab`)
    const opened = page.waitForEvent('websocket')
    await page.evaluate(`void ${frameOf(`${base}/${path}`)}`)
    const webSocket = await opened
    assert.ok(webSocket.url().endsWith(`/~${dashboardKey}/${path}/ws`), webSocket.url())
    await webSocket.waitForEvent('framereceived')
    const canvases = page.frameLocator('iframe').locator('canvas')
    await waitFor('the figures', async () => (await canvases.count()) >= figures, 30_000)
    await page.screenshot({ path: join(results, `dashboard-framed-${path}.png`) })
    assert.deepEqual(problems, [])
    await page.context().close()
  }
})

test('behind a login, only a page of its own origin shows a dashboard in a frame', async () => {
  const page = await newPage('alice')
  await page.goto(`${url}/clusters/${other}/status`)
  const dashboard = page.url()
  assert.match(dashboard, /~s\.owner\./)
  for (const [home, text] of [
    [`${url}/home`, 'secret of another'],
    [`${elsewhere}/lab`, null],
  ] as const) {
    await page.goto(home)
    const refused = page.waitForEvent('console', (message) =>
      message.text().includes('frame-ancestors'),
    )
    // Awaited where it is expected.
    refused.catch(() => {})
    await page.evaluate(`void ${frameOf(dashboard)}`)
    if (text === null) await refused
    else await page.frameLocator('iframe').getByText(text).waitFor()
  }
  await page.context().close()
})

test('a link that leads out of a dashboard does not take its address along', async () => {
  const page = await newPage('alice')
  for (const attributes of ['', 'target="_blank"', 'target="_blank" rel="opener"']) {
    await page.goto(`${url}/clusters/${real}/info/main/workers.html`)
    assert.match(page.url(), /~s\.owner\./)
    const link = `<a id="out" ${attributes} href="${elsewhere}/out?${attributes.length}">out</a>`
    await page.evaluate(`document.body.insertAdjacentHTML('afterbegin', ${JSON.stringify(link)})`)
    const opened = attributes === '' ? page : page.context().waitForEvent('page')
    await page.locator('#out').click()
    const out = await opened
    await out.waitForURL(`${elsewhere}/out?${attributes.length}`)
    assert.equal(await out.evaluate('document.referrer'), '')
    const peek = `(() => { try { return String(opener?.location.href) } catch (error) { return error.name } })()`
    assert.match(await out.evaluate<string>(peek), /^(undefined|SecurityError)$/)
  }
  const out = visits.filter((visit) => visit.url.startsWith('/out'))
  assert.equal(out.length, 3)
  for (const { headers } of out) assert.equal(headers.referer, undefined)
  await page.context().close()
})

/** Adds a frame as JupyterLab's extension does: with a sandbox of its own, which opens nothing that ours shuts. */
function frameOf(address: string): string {
  return `(() => {
    const frame = document.createElement('iframe')
    frame.sandbox = 'allow-scripts allow-same-origin'
    Object.assign(frame.style, { width: '1100px', height: '700px' })
    frame.src = ${JSON.stringify(address)}
    document.body.append(frame)
  })()`
}

function callsOf(way: string): StubCall[] {
  return calls.filter(({ url }) => url.endsWith(`?${way}`) || url.includes(`${way}?`))
}

/** What the page of the cluster's map does. Unlike Bokeh, this WebSocket takes pages of its own origin only. */
const askEventStream = `new Promise((resolve, reject) => {
  const socket = new WebSocket(new URL('../eventstream', document.URL.replace(/^http/, 'ws')))
  socket.onopen = () => socket.send(JSON.stringify({ name: 'ping' }))
  socket.onmessage = ({ data }) => resolve(data)
  socket.onerror = () => reject(new Error('refused'))
})`

async function newPage(visitor: string | null = null): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  context.setDefaultTimeout(30_000)
  if (visitor !== null) {
    const { hostname: domain } = new URL(url)
    const flags = { httpOnly: true, sameSite: 'Lax' } as const
    await context.addCookies([
      { name: cookieName, value: visitor, domain, path: '/pre/', ...flags },
    ])
  }
  return context.newPage()
}

/** What a page could not load, run or open, but for style sheets from elsewhere: tests have no network. */
function watchProblems(page: Page, gateway = url): string[] {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`))
  page.on('console', (message) => {
    const isOurs = message.location().url.startsWith(new URL(gateway).origin)
    if (message.type() === 'error' && isOurs) problems.push(`console: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`)
  })
  return problems
}

async function triesAt(page: Page, address: string): Promise<Record<string, string>> {
  await page.goto(address)
  // Not by frames, which a page behind its own popups does not draw.
  await page.waitForFunction('window.tries?.done', undefined, { polling: 100 })
  return page.evaluate('window.tries')
}

function createElsewhere(): Server {
  visits = []
  return createServer((request, response) => {
    visits.push({ url: request.url ?? '', headers: request.headers })
    response.writeHead(200, { 'Content-Type': 'text/html' })
    response.end(`<!doctype html><title>elsewhere</title>${embeddingScript}`)
  })
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

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { dashboardDraws, logIn, runningCluster } from './browser-steps.ts'
import {
  ask,
  freePort,
  keepLog,
  type RunningGateway,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { certificateConfig, writeCertificate } from './write-certificate.ts'

// `Proxy.dashboard_host` with HTTPS, in a real Chromium, to which every name below `localhost` is this machine.

const password = 'a password of the tests'
const directory = workingDirectory('dashboard-host')
let browser: Browser
let gateway: RunningGateway
let port: number

before(async () => {
  port = await freePort()
  writeCertificate(directory.path)
  const ca = readFileSync(join(directory.path, 'ca.pem'), 'utf8')
  gateway = await startGateway({
    ...{ directory: directory.path, port, ca },
    config: `${certificateConfig(directory.path)}
c.SimpleAuthenticator.password = "${password}"
c.Proxy.dashboard_host = "dash.localhost:${port}"
`,
  })
  browser = await startBrowser()
})
after(async () => {
  await browser.close()
  keepLog('dashboard-host', gateway.log())
  assert.equal(await gateway.stop(), 0)
  directory.remove()
})

test('dashboards on a host of their own: login here, dashboard there, and nothing else there', async () => {
  const ca = readFileSync(join(directory.path, 'ca.pem'), 'utf8')
  const name = await runningCluster(gateway.address, 'alice', password, ca)
  const there = `https://dash.localhost:${port}`
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const inside = new RegExp(`^${there}/clusters/${name}/~s\\.owner\\.[\\w.-]+/status$`)

  await page.goto(`${gateway.address}/clusters/${name}/status`)
  assert.ok(page.url().startsWith(`${gateway.address}/login`))
  await logIn(page, 'alice', password)
  await page.waitForURL(inside)
  await dashboardDraws(page)
  const cookies = await context.cookies()
  assert.deepEqual(
    cookies.map(({ domain, secure, httpOnly }) => ({ domain, secure, httpOnly })),
    [{ domain: '127.0.0.1', secure: true, httpOnly: true }],
  )
  // From the other host too one is brought to the login, which knows the visitor already.
  await page.goto(`${there}/clusters/${name}/status`)
  await page.waitForURL(inside)
  for (const path of ['/', '/login', '/api/v1/options']) {
    const { status } = await ask(`https://127.0.0.1:${port}${path}`, {
      ...{ ca, headers: { host: `dash.localhost:${port}` } },
    })
    assert.equal(status, 404, path)
  }
  await context.close()
})

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { dashboardDraws, logIn, runningCluster } from './browser-steps.ts'
import {
  freePort,
  keepLog,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from './harness.ts'

// A person with a real Chromium at a whole gateway: login, home page, dashboard, logout; with and without a path prefix.

const password = 'a password of the tests'
const results = join(root, 'test-results')
let browser: Browser

before(async () => {
  mkdirSync(results, { recursive: true })
  browser = await startBrowser()
})
after(() => browser.close())

for (const prefix of ['', '/services/dask-gateway'])
  describe(prefix === '' ? 'at the root' : `below ${prefix}`, () => {
    const directory = workingDirectory('browser')
    let gateway: RunningGateway
    let name: string
    let link: string

    before(async () => {
      gateway = await startGateway({
        ...{ directory: directory.path, port: await freePort(), prefix },
        config: `
c.SimpleAuthenticator.password = "${password}"
c.DaskGateway.log_level = "DEBUG"
c.Proxy.log_level = "DEBUG"
`,
      })
      name = await runningCluster(gateway.address, 'alice', password)
      link = `${gateway.address}/clusters/${name}/status`
    })
    after(async () => {
      keepLog(`browser${prefix.replaceAll('/', '-')}`, gateway.log())
      assert.equal(await gateway.stop(), 0)
      directory.remove()
    })

    test('the link of a dashboard leads to the login, and from there to the dashboard', async () => {
      const page = await newPage()
      const problems = watchProblems(page)
      await page.goto(link)
      assert.equal(new URL(page.url()).pathname, `${prefix}/login`)
      await picture(page, `login${prefix}`)
      await logIn(page, 'alice', 'wrong')
      await page.getByRole('alert').getByText('password').waitFor()
      await picture(page, `login-refused${prefix}`)
      assert.deepEqual(problems, [`401 ${prefix}/login`])
      assert.equal(await page.getByLabel('User name').inputValue(), 'alice')
      await logIn(page, 'alice', password)
      await page.waitForURL(/\/~s\.owner\.[\w.-]+\/status$/)
      assert.ok(page.url().startsWith(`${gateway.address}/clusters/${name}/~s.owner.`))
      await dashboardDraws(page)
      await page.screenshot({ path: join(results, `dashboard${nameOf(prefix)}.png`) })
      await page.context().close()
      assert.deepEqual(problems, [`401 ${prefix}/login`])
    })

    test('the home page shows the clusters, leads to their dashboards, and logs out', async () => {
      const page = await newPage()
      const problems = watchProblems(page)
      await page.goto(gateway.address)
      await logIn(page, 'alice', password)
      await page.waitForURL(`${gateway.address}/`)
      const row = page.getByRole('row').filter({ hasText: name })
      await row.getByText('Running').waitFor()
      await picture(page, `home${prefix}`)
      await row.getByRole('link', { name: 'Dashboard' }).click()
      await page.waitForURL(/\/~s\.owner\.[\w.-]+\/status$/)
      await dashboardDraws(page)
      const opened = page.url()
      await page.goto(gateway.address)
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.waitForURL(`${gateway.address}/login`)
      for (const address of [gateway.address, link, opened]) {
        await page.goto(address)
        await page.waitForURL((url) => url.pathname === `${prefix}/login`)
      }
      await page.context().close()
      // The page asks who one is, before the login and after the logout.
      const asked = `401 ${prefix}/api/v1/user`
      assert.deepEqual(problems, [asked, asked])
    })

    test('another user sees neither the cluster nor its dashboard', async () => {
      const page = await newPage()
      await page.goto(gateway.address)
      await logIn(page, 'bob', password)
      await page.getByText('bob', { exact: true }).waitFor()
      assert.equal(await page.getByText(name).count(), 0)
      await picture(page, `home-empty${prefix}`)
      const refused = await page.goto(link)
      assert.equal(refused?.status(), 403)
      await page.getByText('bob lacks permissions').waitFor()
      await page.context().close()
    })

    test('what opens a dashboard is not logged', () => {
      assert.match(gateway.log(), /Answered .*route=\/login/)
      assert.doesNotMatch(gateway.log(), /~s\.|%7es\./i)
    })
  })

async function newPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 } })
  context.setDefaultTimeout(30_000)
  return context.newPage()
}

/** Pictures of one of our own pages: by day, by night, and on a telephone. */
async function picture(page: Page, name: string): Promise<void> {
  const path = (suffix: string) => join(results, `page-${nameOf(name)}${suffix}.png`)
  await page.screenshot({ path: path('') })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: path('-dark') })
  await page.emulateMedia({ colorScheme: 'light' })
  const size = page.viewportSize()
  assert.ok(size !== null)
  await page.setViewportSize({ width: 360, height: 700 })
  const overflows = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
  assert.equal(await page.evaluate(overflows), false, `${name} is wider than a telephone`)
  await page.screenshot({ path: path('-narrow') })
  await page.setViewportSize(size)
}

function nameOf(path: string): string {
  return path.replace(/\W+/g, '-')
}

/** What pages of ours could not load, run or open. */
function watchProblems(page: Page): string[] {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`))
  page.on('response', (response) => {
    if (response.status() >= 400)
      problems.push(`${response.status()} ${new URL(response.url()).pathname}`)
  })
  return problems
}

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../browser.ts'
import { logIn } from '../e2e/browser-steps.ts'
import { root } from '../e2e/harness.ts'
import { password } from './people.ts'

const pictures = join(root, 'test-results')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A browser for one test file, closed after it. */
export async function browserOfTests(): Promise<Browser> {
  mkdirSync(pictures, { recursive: true })
  const browser = await startBrowser()
  after(() => browser.close())
  return browser
}

/** A browser window of a person who is logged in, at the page. `problems`: what it could not load, run, or was not allowed to. */
export async function personAt(browser: Browser, address: string, user: string) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) problems.push(message.text())
  })
  page.on('dialog', (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(address).origin)
      problems.push(`a request to ${request.url()}`)
  })
  await page.goto(`${address}/`)
  await logIn(page, user, password)
  await page.waitForURL(`${address}/`)
  return { page, problems }
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

/** What axe finds, by day and by night, with all of its rules; and a picture of each, and of a telephone, where nothing may be too wide. */
export async function lookAt(page: Page, name: string): Promise<void> {
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  const size = page.viewportSize()
  assert.ok(size !== null)
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    await page.screenshot({ path: join(pictures, `web-${name}-${scheme}.png`), fullPage: true })
    assert.equal(await page.evaluate(overflow), 0, `${name} is wider than the window`)
    // In the page's own world a script from here needs no leave of its policy.
    const results = (await page.evaluate(`${axe}; axe.run()`)) as AxeResults
    const found = results.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((each) => `${each.html} ${each.failureSummary}`)}`,
    )
    assert.deepEqual(found, [], `${name}, ${scheme}`)
  }
  await page.setViewportSize({ width: 360, height: 800 })
  await page.screenshot({ path: join(pictures, `web-${name}-narrow.png`), fullPage: true })
  assert.equal(await page.evaluate(overflow), 0, `${name} is wider than a telephone`)
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme: 'light' })
}

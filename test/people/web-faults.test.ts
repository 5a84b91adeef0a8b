import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { waitFor } from '../fakes/wait-for.ts'
import { peopleGateway } from './people.ts'
import { browserOfTests, lookAt, personAt } from './web.ts'

// The page in a Chromium with what is too much, too long, or done by two at once.

const it = await peopleGateway()
const browser = await browserOfTests()
const alice = it.clientOf('alice')
const boss = it.clientOf('boss')
/** A page that answers within it is quick, even beside other tests; by itself it takes a tenth. */
const slowestMs = 5000

async function runningCluster(): Promise<string> {
  const name = await alice.create({})
  await alice.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
  return name
}

/** What the page's script holds, after a collection, in bytes. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}

/** The longest time that the page did not draw, while `work` goes on. */
async function longestStall(page: Page, work: () => Promise<void>): Promise<number> {
  await page.evaluate(`
    globalThis.stall = 0
    globalThis.watched = true
    let last = performance.now()
    const tick = () => {
      const now = performance.now()
      stall = Math.max(stall, now - last)
      last = now
      if (watched) setTimeout(tick, 5)
    }
    tick()
  `)
  await work()
  return Number(await page.evaluate('watched = false, stall'))
}

test('a log of 1 GB with binary junk is shown from its end and followed; the page stays quick, its memory bounded', async (t) => {
  const name = await runningCluster()
  const { page, problems } = await personAt(browser, it.address, 'alice')
  await page.goto(`${it.address}/#/clusters/${name}/log`)
  await page.getByRole('log').getByText('Scheduler at:').waitFor()
  const before = await heapOf(page)
  await page.goto(`${it.address}/#/clusters/${name}`)

  const [log = ''] = globSync(join(it.directory, '**', `dg-*-${name}`, 'logs', 'scheduler.log'))
  const file = await open(log, 'a')
  t.after(() => file.close())
  await file.truncate((await file.stat()).size + 1_000_000_000)
  const junk = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 256))
  await file.appendFile(junk)
  await file.appendFile('\n\x1b[31mred\x1b[0m \x1b]0;owned\x07\u202e<img src=x> the end\n')

  const begunAt = performance.now()
  await page.goto(`${it.address}/#/clusters/${name}/log`)
  const shown = page.getByRole('log')
  await shown.getByText('red ␛]0;owned␇\\u{202e}<img src=x> the end').waitFor()
  t.diagnostic(`the end of 1 GB is shown after ${Math.round(performance.now() - begunAt)} ms`)
  await lookAt(page, 'log-junk')

  // A storm of 50,000 lines, 25 MB, while somebody looks.
  const line = `${'all work and no play '.repeat(25)}\n`
  const stall = await longestStall(page, async () => {
    for (let count = 0; count < 50; count++) await file.appendFile(line.repeat(1000))
    await file.appendFile('after the storm\n')
    await shown.getByText('after the storm').waitFor({ timeout: 120_000 })
  })
  const heap = await heapOf(page)
  const lines = await shown.locator('div').count()
  t.diagnostic(
    `${lines} lines are kept, the longest stall was ${Math.round(stall)} ms, the script holds ${Math.round(heap / 2 ** 20)} MiB (${Math.round(before / 2 ** 20)} before)`,
  )
  assert.equal(lines, 5000)
  assert.ok(stall < slowestMs, `nothing was drawn for ${stall} ms`)
  assert.ok(heap - before < 64 * 2 ** 20, `the page grew by ${heap - before} bytes`)

  // A gateway that is killed and comes again: the log goes on where it was.
  const bar = page.locator('#connection')
  await it.kill()
  await file.appendFile('while nobody listened\n')
  await bar.getByText('The gateway does not answer.').waitFor()
  await it.start()
  await bar.getByText('The gateway answers again.').waitFor()
  await shown.getByText('while nobody listened').waitFor()
  assert.equal(await shown.getByText('while nobody listened').count(), 1)
  assert.equal(await shown.getByText('after the storm').count(), 1)

  // Away and back again holds nothing more.
  for (let count = 0; count < 3; count++) {
    await page.goto(`${it.address}/#/clusters/${name}`)
    await page.goto(`${it.address}/#/clusters/${name}/log`)
    await shown.getByText('while nobody listened').waitFor()
  }
  await page.goto(`${it.address}/#/`)
  await page.getByRole('heading', { name: 'My clusters' }).waitFor()
  const left = (await heapOf(page)) - before
  assert.ok(left < 8 * 2 ** 20, `${left} bytes are left behind`)
  await page.context().close()
  assert.deepEqual(problems, [])
  await alice.stop(name)
})

test('two people and two windows at one cluster: each sees what the others do, and who comes too late is told', async () => {
  const name = await runningCluster()
  const place = `${it.address}/#/clusters/${name}`
  const one = await personAt(browser, it.address, 'alice')
  const { page } = one
  await page.goto(place)
  const second = await page.context().newPage()
  await second.goto(place)
  const admin = await personAt(browser, it.address, 'boss')
  await admin.page.goto(`${it.address}/#/admin/clusters/${name}`)

  await page.getByLabel('Workers', { exact: true }).fill('2')
  await page.getByRole('button', { name: 'Scale', exact: true }).click()
  await page.getByText('2 workers are asked for').waitFor()
  for (const each of [second, admin.page])
    await each.getByText(/^(0|1) of 2$|^2$/).waitFor({ timeout: 60_000 })

  // The owner is about to stop it in one window and to scale in another when the administrator stops it.
  await second.getByRole('button', { name: `Stop cluster ${name}` }).click()
  await second.getByRole('dialog').waitFor()
  await page.getByLabel('Workers', { exact: true }).fill('3')
  await admin.page.getByRole('button', { name: `Stop cluster ${name}` }).click()
  await admin.page.getByRole('button', { name: 'Stop cluster', exact: true }).click()
  const scale = page.getByRole('button', { name: 'Scale', exact: true })
  await Promise.all([
    // Pressed as it vanishes, or gone already.
    scale.click({ timeout: 2000, force: true }).catch(() => undefined),
    admin.page
      .getByRole('main')
      .getByText(/^Stopp(ing|ed)$/)
      .first()
      .waitFor(),
  ])
  for (const each of [page, second, admin.page]) {
    await each.getByRole('main').getByText('Stopped', { exact: true }).waitFor({ timeout: 60_000 })
    await each.getByRole('main').getByText('Stopped by the administrator boss').waitFor()
  }
  assert.ok(!(await scale.isVisible()))
  // To stop what has ended is no fault.
  await second.getByRole('button', { name: 'Stop cluster', exact: true }).click()
  await second.getByRole('dialog').waitFor({ state: 'detached' })
  await lookAt(page, 'stopped-by-another')
  const events = await alice.events(name)
  assert.ok(events.some(({ message }) => message.includes('boss')))
  for (const { page: each, problems } of [one, admin]) {
    await each.context().close()
    assert.deepEqual(problems, [])
  }
})

test('names of 255 characters and of emoji fit everywhere', async () => {
  const long = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(8).slice(0, 255)
  const emoji = '😀👩🏽🏳️'.repeat(18)
  for (const [who, user] of [
    ['long', long],
    ['emoji', emoji],
  ] as const) {
    const { page, problems } = await personAt(browser, it.address, user)
    const client = it.clientOf(user)
    const name = await client.create({ note: user, size: 'small' })
    await page.getByRole('row').filter({ hasText: name }).waitFor()
    await lookAt(page, `${who}-list`)
    await page.goto(`${it.address}/#/clusters/${name}`)
    await page.getByRole('definition').filter({ hasText: user }).waitFor()
    await lookAt(page, `${who}-cluster`)
    await client.createToken({ name: user.slice(0, 99), scope: 'read' })
    await page.goto(`${it.address}/#/tokens`)
    await page.getByRole('heading', { name: 'Access tokens' }).waitFor()
    await lookAt(page, `${who}-tokens`)
    await page.context().close()
    assert.deepEqual(problems, [])
  }
  const admin = await personAt(browser, it.address, 'boss')
  await admin.page.goto(`${it.address}/#/admin/clusters`)
  for (const user of [long, emoji])
    await admin.page.getByRole('row').getByText(user, { exact: true }).waitFor()
  await lookAt(admin.page, 'names-admin')
  await admin.page.getByLabel('User, exactly').fill(emoji)
  await admin.page.getByText('1 cluster', { exact: true }).waitFor()
  await admin.page.goto(`${it.address}/#/admin/events`)
  await admin.page.getByRole('row').getByText(long).first().waitFor()
  await lookAt(admin.page, 'names-audit')
  await admin.page.goto(`${it.address}/#/admin/tokens`)
  await admin.page.getByRole('row').filter({ hasText: long }).waitFor()
  await lookAt(admin.page, 'names-tokens')
  await admin.page.context().close()
  assert.deepEqual(admin.problems, [])
  await waitFor('no cluster to be lost', async () => (await boss.admin.health()).status === 'pass')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dashboardDraws, logIn } from '../e2e/browser-steps.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { password, peopleGateway } from './people.ts'
import { browserOfTests, lookAt, personAt } from './web.ts'

// A person with a real Chromium at a whole gateway with Dask, doing all that the page is for; then an administrator.

const it = await peopleGateway(`
c.Backend.cluster_options = Options(
    Integer("cores", default=1, min=1, max=2, label="Cores"),
    Select("size", ["small", "large"], label="Size"),
    Bool("slow", label="Slow"),
    String("note", default="", label="A note"),
    Mapping("more", label="More"),
    handler=lambda options: refuse(options),
)
def refuse(options):
    if options.note == "refused":
        raise ValueError("note is not to be refused")
    if options.size == "large":
        return {"scheduler_cmd": ["/bin/false"]}
    if options.slow:
        return {"scheduler_cmd": ["/bin/sh", "-c", "sleep 600"]}
    return {}
`)
const browser = await browserOfTests()
const { page, problems } = await personAt(browser, it.address, 'alice')
const alice = it.clientOf('alice')
const at = (place: string) => page.goto(`${it.address}/#/${place}`)
let name = ''
/** One that ran: another may have been wanted no more before it wrote anything. */
let worker = ''

test('without clusters the page says how to get one, and gives the Python lines to copy', async () => {
  await page.getByRole('heading', { name: 'No clusters are running' }).waitFor()
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  const lines = String(await page.evaluate('navigator.clipboard.readText()'))
  assert.match(lines, /^from dask_gateway import Gateway, BasicAuth\n/)
  assert.ok(lines.includes(`gateway = Gateway("${it.address}", auth=auth)`), lines)
  await lookAt(page, 'empty')
})

test('the form has the types, bounds, choices and defaults of the options, and says what is wrong beside the field', async () => {
  await page.getByRole('link', { name: 'New cluster' }).first().click()
  const cores = page.getByLabel('Cores')
  assert.equal(await cores.inputValue(), '1')
  await page.getByText('Whole number from 1 to 2').waitFor()
  assert.deepEqual(await page.getByLabel('Size').getByRole('option').allTextContents(), [
    'small',
    'large',
  ])
  const create = page.getByRole('button', { name: 'Create cluster' })
  const described = async () =>
    page.locator(`#${(await cores.getAttribute('aria-describedby'))?.split(' ')[0]}`).textContent()
  for (const [typed, said] of [
    ['3', 'The most is 2'],
    ['0', 'The least is 1'],
    ['1.5', '“1.5” is not a whole number'],
    ['', 'Enter a whole number'],
  ] as const) {
    await cores.fill(typed)
    await create.click()
    assert.equal(await described(), said)
    assert.equal(await cores.getAttribute('aria-invalid'), 'true')
    await cores.and(page.locator(':focus')).waitFor()
  }
  await page.getByLabel('More').fill('[1]')
  await cores.fill('2')
  await create.click()
  await page.getByText('This is no JSON object').waitFor()
  await lookAt(page, 'new')
  await page.getByLabel('More').fill('{"A": "b"}')
  await page.getByLabel('A note').fill('refused')
  await create.click()
  await page.getByText('note is not to be refused').waitFor()
  await page.getByLabel('A note').fill('')
  await create.click()
  await page.waitForURL(/#\/clusters\/[0-9a-f]{32}$/)
  name = /[0-9a-f]{32}/.exec(page.url())?.[0] ?? ''
  assert.deepEqual((await alice.cluster(name)).options.more, { A: 'b' })
})

test('a cluster becomes RUNNING before one’s eyes, is scaled and adapted, and refuses what cannot be', async () => {
  await page.getByRole('main').getByText('Running', { exact: true }).waitFor()
  const workers = page.getByLabel('Workers', { exact: true })
  await workers.fill('many')
  await page.getByRole('button', { name: 'Scale', exact: true }).click()
  await page.getByText('Enter a whole number, 0 or more').waitFor()
  await workers.fill('9')
  await page.getByRole('button', { name: 'Scale', exact: true }).click()
  await page.getByRole('alert').getByText('4').waitFor()
  await workers.fill('1')
  await page.getByRole('button', { name: 'Scale', exact: true }).click()
  await page.getByText('1 worker is asked for').waitFor()
  await waitFor('a worker', async () => (await alice.cluster(name)).workers.running === 1, 60_000)
  worker = (await alice.workers(name)).find(({ status }) => status === 'running')?.name ?? ''
  await page.getByLabel('At least').fill('3')
  await page.getByLabel('At most').fill('2')
  await page.getByRole('button', { name: 'Adapt', exact: true }).click()
  await page.getByText('Cannot be less than at least').waitFor()
  await page.getByLabel('At least').fill('0')
  await page.getByRole('button', { name: 'Adapt', exact: true }).click()
  await page.getByText('The scheduler now chooses').waitFor()
  await page.getByText('0 to 2 workers').waitFor()
  await page.getByRole('button', { name: 'Stop adapting' }).click()
  await page.getByText('stays as it is').waitFor()
  await page.getByRole('button', { name: 'Stop adapting' }).waitFor({ state: 'hidden' })
  await lookAt(page, 'cluster')
})

test('its workers, its events and its logs are followed', async () => {
  await page.getByRole('link', { name: 'Workers' }).click()
  const workers = page.getByRole('table', { name: 'Workers' }).getByRole('row')
  const row = workers.filter({ hasText: worker })
  await row.waitFor()
  await lookAt(page, 'workers')
  await row.getByRole('link', { name: /^Log of worker/ }).click()
  await page.getByRole('log').getByText('distributed.worker').first().waitFor()
  assert.equal(await page.getByLabel('Log of').inputValue(), worker)
  await page.getByLabel('Log of').selectOption({ label: 'Scheduler' })
  await page.getByRole('log').getByText('Scheduler at:').waitFor()
  await lookAt(page, 'log')
  await page.getByRole('link', { name: 'Events' }).click()
  await page.getByText('cluster-running').waitFor()
  await alice.scale(name, 2)
  await page.getByText('worker-started').nth(1).waitFor()
  await lookAt(page, 'events')
})

test('the list shows what others do to a cluster, why one is pending and why one failed', async () => {
  await page.getByRole('link', { name: 'My clusters' }).first().click()
  await page.getByRole('row').filter({ hasText: name }).getByText('Running').waitFor()
  const failed = await alice.create({ size: 'large' })
  const ended = page.getByRole('table', { name: 'Clusters that have ended' })
  const row = ended.getByRole('row').filter({ hasText: failed })
  await row.getByText('The scheduler ended before it was ready').waitFor()
  const slow = await alice.create({ slow: true })
  const pending = page.getByRole('row').filter({ hasText: slow })
  await pending.getByText('The scheduler starts').waitFor()
  await lookAt(page, 'list')
  await row.getByRole('link').click()
  await page.getByText('The scheduler ended before it was ready').first().waitFor()
  await lookAt(page, 'failed')
  await at('')
  await page.getByRole('button', { name: `Stop cluster ${slow}` }).click()
  await page.getByRole('button', { name: 'Stop cluster', exact: true }).click()
  await ended
    .getByRole('row')
    .filter({ hasText: slow })
    .getByText('Stopped', { exact: true })
    .waitFor()
})

test('the dashboard opens, and the way back leads to the page', async () => {
  const row = page.getByRole('row').filter({ hasText: name })
  await row.getByRole('link', { name: 'Dashboard' }).click()
  await page.waitForURL(/\/status$/)
  await dashboardDraws(page)
  await page.goBack()
  await row.getByText('Running').waitFor()
})

test('a gateway that is killed under the page is told of, and the page goes on by itself when it is there again', async () => {
  await it.kill()
  const bar = page.locator('#connection')
  await bar.getByText('The gateway does not answer.').waitFor()
  await lookAt(page, 'lost')
  await it.start()
  await bar.getByText('The gateway answers again.').waitFor()
  await lookAt(page, 'found')
  const made = await alice.create({ slow: true })
  await page.getByRole('row').filter({ hasText: made }).getByText('Pending').waitFor()
  await bar.getByText('The gateway answers again.').waitFor({ state: 'hidden' })
})

test('a stop asks first: by keyboard alone, Escape leaves it, and then it ends', async () => {
  const stop = page.getByRole('button', { name: `Stop cluster ${name}` })
  await stop.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Stop this cluster?' })
  await dialog.getByText(name).waitFor()
  await lookAt(page, 'stop')
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  assert.equal((await alice.cluster(name)).status, 'RUNNING')
  await stop.and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const ended = page.getByRole('table', { name: 'Clusters that have ended' })
  await ended
    .getByRole('row')
    .filter({ hasText: name })
    .getByText('Stopped', { exact: true })
    .waitFor()
  assert.match(
    String(await page.locator('#announcements').textContent()),
    /is Stopped|being stopped/,
  )
})

test('who does not see the page is led by headings, landmarks and focus', async () => {
  await page.goto(`${it.address}/`)
  await page.getByRole('heading', { name: 'My clusters', level: 1 }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const focused = () => page.evaluate('document.activeElement.id || document.activeElement.tagName')
  assert.equal(await focused(), 'main')
  await at('new')
  await page.getByLabel('Cores').waitFor()
  assert.equal(await focused(), 'H1')
  assert.equal(await page.title(), 'New cluster · Dask gateway')
  for (const role of ['banner', 'navigation', 'main'] as const)
    assert.ok((await page.getByRole(role).count()) >= 1, role)
})

test('an administrator sees everybody’s clusters, stops one, drains, and sees health and audit', async () => {
  const boss = await personAt(browser, it.address, 'boss')
  const theirs = await alice.create({ slow: true })
  await boss.page.getByRole('link', { name: 'All clusters' }).click()
  const row = boss.page.getByRole('row').filter({ hasText: theirs })
  await row.getByText('alice').waitFor()
  await boss.page.getByLabel('User, exactly').fill('nobody')
  await boss.page.getByText('No cluster matches.').waitFor()
  await boss.page.getByLabel('User, exactly').fill('alice')
  await boss.page.getByLabel('Part of name, user or reason').fill(theirs.slice(0, 10))
  await row.waitFor()
  await lookAt(boss.page, 'admin-clusters')
  await row.getByRole('link', { name: theirs }).click()
  await boss.page.getByRole('link', { name: 'Events' }).click()
  await boss.page.getByText('scheduler-started').waitFor()
  await lookAt(boss.page, 'admin-cluster')
  await boss.page.getByRole('button', { name: `Stop cluster ${theirs}` }).click()
  await boss.page.getByText('The cluster of alice').waitFor()
  await boss.page.getByRole('button', { name: 'Stop cluster', exact: true }).click()
  await boss.page.getByRole('main').getByText('Stopped', { exact: true }).waitFor()

  await boss.page.getByRole('link', { name: 'Health' }).click()
  for (const check of ['store', 'proxy', 'backend'])
    await boss.page
      .getByRole('listitem')
      .filter({ hasText: new RegExp(check, 'i') })
      .getByText('Healthy')
      .waitFor()
  await boss.page.getByRole('button', { name: 'Drain…' }).click()
  await boss.page.getByLabel('Message for users').fill('Back at <b>noon</b>')
  await lookAt(boss.page, 'drain')
  await boss.page.getByRole('button', { name: 'Drain', exact: true }).click()
  await boss.page.getByText('No new clusters are accepted since').waitFor()
  await lookAt(boss.page, 'health')
  await at('new')
  await page.getByRole('button', { name: 'Create cluster' }).click()
  await page.getByRole('alert').getByText('Back at <b>noon</b>').waitFor()
  await boss.page.getByRole('button', { name: 'Accept new clusters again' }).click()
  await boss.page.getByText('New clusters are accepted.').waitFor()

  await boss.page.getByRole('link', { name: 'Audit' }).click()
  const stopped = boss.page.getByRole('row').filter({ hasText: 'admin-stop' })
  await stopped.getByText('of alice').waitFor()
  await boss.page.getByLabel('User, exactly').fill('alice')
  await stopped.waitFor({ state: 'detached' })
  await boss.page.getByRole('row').filter({ hasText: 'create' }).first().waitFor()
  await lookAt(boss.page, 'audit')
  await boss.page.context().close()
  assert.deepEqual(boss.problems, [])
})

test('a login that ends under the page is said at its top, and the next one leads back to the place', async () => {
  const place = `${it.address}/#/clusters/${name}/events`
  await page.goto(place)
  await page.getByText('cluster-running').waitFor()
  await page.context().clearCookies()
  await at('new')
  await page.getByText('Your login has ended.').waitFor()
  await lookAt(page, 'logged-out')
  await page.goto(place)
  await page.getByRole('link', { name: 'Log in again' }).click()
  await logIn(page, 'alice', password)
  await page.waitForURL(place)
  await page.getByText('cluster-running').waitFor()

  // Likewise a link that somebody sent.
  const context = await browser.newContext()
  const other = await context.newPage()
  await other.goto(place)
  await logIn(other, 'alice', password)
  await other.waitForURL(place)
  await other.getByText('cluster-running').waitFor()
  // Which leads nowhere else.
  for (const elsewhere of ['//evil.test/', 'https://evil.test/', 'javascript:alert(1)', '/\\evil'])
    for (const path of ['?at=', 'login?next=/%3Fat=', 'login?next=']) {
      await other.goto(`${it.address}/${path}${encodeURIComponent(elsewhere)}`)
      assert.equal(new URL(other.url()).origin, it.address, path + elsewhere)
    }
  await other.goto(`${it.address}/?at=//evil.test/x`)
  await other.getByRole('heading', { name: 'There is nothing here' }).waitFor()
  assert.equal(other.url(), `${it.address}/#//evil.test/x`)
  await context.close()
})

test('a logout is on record', async () => {
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Password').waitFor()
  const [latest] = await it.clientOf('boss').admin.events({ user: 'alice', limit: 1 })
  assert.equal(latest?.action, 'logout')
})

test('in all of this nothing failed, nothing was loaded from elsewhere, and nobody else’s administration was seen', () => {
  assert.deepEqual(problems, [])
})

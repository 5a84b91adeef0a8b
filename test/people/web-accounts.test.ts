import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { bearer, createGatewayClient } from '../../client/src/index.ts'
import { peopleGateway } from './people.ts'
import { browserOfTests, lookAt, personAt } from './web.ts'

// What a person has on the page besides clusters: access tokens, quotas, usage; and administrators of everybody.

const it = await peopleGateway(`
c.ClusterConfig.cluster_max_lifetime = 1800
`)
const browser = await browserOfTests()
const { page, problems } = await personAt(browser, it.address, 'alice')
const alice = it.clientOf('alice')
const at = (place: string) => page.goto(`${it.address}/#/${place}`)

before(async () => {
  const name = await alice.create()
  await alice.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
})

test('a cluster that will end by itself says when, and soon why, in the list and on its own page', async () => {
  const why = /^Ends in (29|30) min: Its lifetime of 30 min is over/
  await page.getByRole('row').getByText(why).waitFor()
  await lookAt(page, 'life-list')
  await page.getByRole('row').getByRole('link').first().click()
  await page.getByText(why).waitFor()
  await page.getByText('Ends by itself').waitFor()
  await page.getByText('Clients connected').waitFor()
  await lookAt(page, 'life')
})

test('an access token is made with name, scope and end, shown once, copied, used, and revoked after a question', async () => {
  await page.getByRole('link', { name: 'Tokens' }).click()
  await page.getByText('You have no access tokens.').waitFor()
  const make = page.getByRole('button', { name: 'Make token' })
  await make.click()
  await page.getByText('Say what the token is for').waitFor()
  await page.getByLabel('Name').fill('notebook')
  assert.deepEqual(await page.getByLabel('Scope').getByRole('option').allTextContents(), [
    'Manage: start, scale and stop my clusters',
    'Read: look at my clusters, change nothing',
  ])
  await page.getByLabel('Scope').selectOption({ index: 1 })
  await page.getByLabel('Expires').selectOption({ label: 'Never' })
  await make.click()
  await page.getByText('A token lives at most 365 days here').waitFor()
  assert.equal(await page.getByLabel('Expires').getAttribute('aria-invalid'), 'true')
  await page.getByLabel('Expires').selectOption({ label: 'In 7 days' })
  await make.click()
  await page.getByRole('heading', { name: 'Token “notebook” is made' }).waitFor()
  await lookAt(page, 'token')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Copy' }).first().click()
  const secret = String(await page.evaluate('navigator.clipboard.readText()'))
  assert.match(secret, /^dgt_[\w-]{43}$/)
  const program = createGatewayClient({ address: it.address, auth: bearer(secret) })
  assert.equal((await program.user()).token?.name, 'notebook')
  await assert.rejects(program.create(), { code: 'forbidden' })
  const [token] = await alice.tokens()
  const days = ((token?.expires_at ?? 0) - Date.now()) / 86_400_000
  assert.ok(days > 6.9 && days < 7.1, `${days} days`)

  await page.getByLabel('Name').fill('notebook')
  await make.click()
  await page.getByText('There is a token "notebook" already').waitFor()
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByLabel('Name').and(page.locator(':focus')).waitFor()
  await at('')
  await at('tokens')
  await page.getByRole('row').filter({ hasText: 'notebook' }).waitFor()
  assert.ok(!(await page.content()).includes(secret))
  await page.getByRole('button', { name: 'Revoke token notebook' }).click()
  await page.getByRole('dialog', { name: 'Revoke this token?' }).getByText('“notebook”').waitFor()
  await page.getByRole('button', { name: 'Revoke token', exact: true }).click()
  await page.getByText('You have no access tokens.').waitFor()
  await assert.rejects(program.user(), { code: 'unauthenticated' })
})

test('an administrator sees everybody’s tokens, and revokes one', async () => {
  const { secret } = await alice.createToken({ name: '<b>x</b>', scope: 'manage' })
  const boss = await personAt(browser, it.address, 'boss')
  await boss.page.getByRole('link', { name: 'Tokens' }).click()
  await boss.page.getByRole('link', { name: 'Everybody’s' }).click()
  await boss.page.getByLabel('User, exactly').fill('nobody')
  await boss.page.getByText('There are no such tokens.').waitFor()
  await boss.page.getByLabel('User, exactly').fill('alice')
  await boss.page.getByRole('row').filter({ hasText: '<b>x</b>' }).getByText('alice').waitFor()
  await lookAt(boss.page, 'admin-tokens')
  await boss.page.getByRole('button', { name: 'Revoke token <b>x</b>' }).click()
  await boss.page.getByText('token “<b>x</b>” of alice').waitFor()
  await boss.page.getByRole('button', { name: 'Revoke token', exact: true }).click()
  await boss.page.getByText('There are no such tokens.').waitFor()
  const program = createGatewayClient({ address: it.address, auth: bearer(secret) })
  await assert.rejects(program.user(), { code: 'unauthenticated' })
  await boss.page.context().close()
  assert.deepEqual(boss.problems, [])
})

test('an administrator sets limits and takes them back; who they are for sees what is in use', async () => {
  const boss = await personAt(browser, it.address, 'boss')
  await boss.page.getByRole('link', { name: 'Quotas' }).click()
  await boss.page.getByRole('button', { name: 'Set limits…' }).click()
  const dialog = boss.page.getByRole('dialog')
  const set = dialog.getByRole('button', { name: 'Set limits' })
  await set.click()
  await dialog.getByText('Enter the name of a user or group').waitFor()
  await dialog.getByLabel('Name').fill('alice')
  await dialog.getByLabel('Cores').fill('many')
  await set.click()
  await dialog.getByText('Enter a number, or none').waitFor()
  await dialog.getByLabel('Cores').fill('none')
  await dialog.getByLabel('Clusters').fill('1')
  await dialog.getByLabel('Memory').fill('a lot')
  await set.click()
  await dialog.getByRole('alert').getByText('memory').waitFor()
  await lookAt(boss.page, 'set-limits')
  await dialog.getByLabel('Memory').fill('64 G')
  await set.click()
  await dialog.waitFor({ state: 'detached' })
  const row = boss.page.getByRole('row').filter({ hasText: 'user alice' })
  await row.getByText(/of 1$/).waitFor()
  await row.getByText('64 GiB').waitFor()
  await lookAt(boss.page, 'admin-quotas')

  await at('')
  await page.getByRole('heading', { name: 'Quota' }).waitFor()
  await page.getByText(/^\d of 1$/).waitFor()
  await lookAt(page, 'quota')
  await at('new')
  await page.getByRole('button', { name: 'Create cluster' }).click()
  await page.getByRole('alert').getByText('The quota of user alice is 1 cluster').waitFor()

  await row.getByRole('button', { name: 'Change limits of user alice' }).click()
  assert.equal(await dialog.getByLabel('Clusters').inputValue(), '1')
  assert.equal(await dialog.getByLabel('Cores').inputValue(), 'none')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await row.getByRole('button', { name: 'Take back limits of user alice' }).click()
  await dialog.getByRole('button', { name: 'Take back' }).click()
  await row.getByText('the configuration').waitFor()
  await at('')
  await page.getByRole('heading', { name: 'My clusters' }).waitFor()
  await page.getByRole('heading', { name: 'Quota' }).waitFor({ state: 'hidden' })
  await boss.page.context().close()
  assert.deepEqual(boss.problems, [])
})

test('usage is a table by days, months, users and labels, and a file for spreadsheets', async () => {
  await page.getByRole('link', { name: 'Usage' }).click()
  const usage = page.getByRole('table', { name: 'Usage' })
  await usage.getByRole('row').nth(1).waitFor()
  assert.equal(await usage.getByRole('columnheader').first().textContent(), 'Day')
  await lookAt(page, 'usage')
  await page.getByLabel('Sums by').selectOption({ label: 'month' })
  await usage.getByRole('columnheader', { name: 'Month' }).waitFor()
  const loading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save as CSV' }).click()
  const saved = readFileSync(await (await loading).path(), 'utf8')
  assert.match(
    saved,
    /^month,cluster_seconds,worker_seconds,core_seconds,memory_byte_seconds\r?\n\d{4}-\d\d,/,
  )
  const last = await page.getByLabel('To').inputValue()
  await page.getByLabel('From').fill('2030-01-01')
  await page.getByText('Before the first day').waitFor()
  await page.getByLabel('From').fill('2001-01-01')
  await page.getByLabel('To').fill('2001-01-02')
  await page.getByText('Nothing was used in these days.').waitFor()
  await page.getByLabel('To').fill(last)
  await usage.getByRole('row').nth(1).waitFor()

  const boss = await personAt(browser, it.address, 'boss')
  await boss.page.getByRole('link', { name: 'Usage' }).click()
  await boss.page.getByRole('link', { name: 'Everybody’s' }).click()
  await boss.page.getByRole('row').filter({ hasText: 'alice' }).waitFor()
  await boss.page.getByLabel('Sums by').selectOption({ label: 'month and user' })
  await boss.page.getByRole('columnheader', { name: 'Month' }).waitFor()
  await lookAt(boss.page, 'admin-usage')
  await boss.page.getByLabel('User, exactly').fill('nobody')
  await boss.page.getByText('Nothing was used in these days.').waitFor()
  await boss.page.context().close()
  assert.deepEqual(boss.problems, [])
})

test('in all of this nothing failed, and nothing was loaded from elsewhere', () => {
  assert.deepEqual(problems, [])
})

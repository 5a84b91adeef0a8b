import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Change } from '../../src/core/index.ts'
import { openStore } from '../../src/store/index.ts'
import { freePort, type RunningGateway, startGateway, workingDirectory } from '../e2e/harness.ts'
import { createTestLogger } from '../support/test-api.ts'
import { password } from './people.ts'
import { browserOfTests, lookAt, personAt } from './web.ts'

// The page below a path prefix, for an administrator of 10,000 clusters, and with texts that would be markup if they could.

const many = 10_000
const slowestMs = 1500
const evil = '<img src=x onerror="alert(1)">'
const key = Buffer.alloc(32, 'people').toString('base64')
const directory = workingDirectory('many')
// SQLite asks as whom this process really is, root, whether it may write to TMPDIR, and then writes as the owner of the records.
process.env.SQLITE_TMPDIR = directory.path
const databaseFile = join(directory.path, 'records.sqlite')
const options = {
  directory: directory.path,
  port: await freePort(),
  prefix: '/services/dask',
  config: `
from dask_gateway_server.options import Options, Select, String
c.SimpleAuthenticator.password = "${password}"
c.SimpleAuthenticator.admin_users = ["boss"]
c.DBBackendBase.db_url = "sqlite:///${databaseFile}"
c.DBBackendBase.db_encrypt_keys = ["${key}"]
c.ClusterConfig.scheduler_cmd = ["/bin/sh", "-c", "echo '${evil.replaceAll('"', '\\"')}'; exit 1"]
def refuse(options):
    if options.note == "refuse":
        raise ValueError('${evil}')
    return {}
c.Backend.cluster_options = Options(
    String("note", default='${evil}', label='${evil}'),
    Select("choice", ['"><script>alert(2)</script>', "b"], label='"><script>alert(2)</script>'),
    handler=refuse,
)
`,
}
let gateway: RunningGateway = await startGateway(options)
after(async () => {
  await gateway.stop()
  directory.remove()
})
const browser = await browserOfTests()

test('no text of anybody is markup: names, options, reasons, events, errors, log lines', async () => {
  const { page, problems } = await personAt(browser, gateway.address, evil)
  await page.getByText(evil, { exact: true }).first().waitFor()
  await page.goto(`${gateway.address}/#/new`)
  const note = page.getByLabel(evil)
  assert.equal(await note.inputValue(), evil)
  await lookAt(page, 'hostile-new')
  await note.fill('refuse')
  await page.getByRole('button', { name: 'Create cluster' }).click()
  await page.getByRole('alert').getByText(evil).waitFor()
  await note.fill(evil)
  await page.getByRole('button', { name: 'Create cluster' }).click()
  await page.waitForURL(/#\/clusters\/[0-9a-f]{32}$/)
  await page.getByRole('main').getByText('Failed', { exact: true }).waitFor()
  await page.getByText(evil, { exact: true }).first().waitFor()
  await page.getByRole('link', { name: 'Logs' }).click()
  await page.getByRole('log').getByText(evil).waitFor()
  await page.getByRole('link', { name: 'Events' }).click()
  await page.getByText('cluster-failing').waitFor()
  await page.getByText('The end of the log').first().click()
  await page.getByLabel('The end of the log').getByText(evil).first().waitFor()
  await lookAt(page, 'hostile-events')
  assert.equal(await page.locator('main img, main script').count(), 0)
  assert.equal(new URL(page.url()).pathname, '/services/dask/')
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(`${gateway.address}/login`)
  await page.context().close()
  assert.deepEqual(problems, [])
})

test('what only a broken or hostile gateway would say is text too, also what turns the direction of writing', async () => {
  const { page, problems } = await personAt(browser, gateway.address, 'bob')
  const turned = `\u202e${evil}\u0007`
  const cluster = {
    ...{
      name: turned,
      username: turned,
      status: 'PENDING',
      pending_reason: turned,
      reason: turned,
    },
    ...{ start_time: 0, stop_time: null, options: { [turned]: turned }, cores: 1, memory: 1 },
    ...{ worker_cores: 1, worker_memory: 1, max_workers: null, dashboard_route: null },
    ...{ ends_at: null, end_reason: turned, clients: null },
    ...{ ends_at: null, end_reason: null, clients: null },
    workers: { wanted: 0, created: 0, submitted: 0, running: 0, closing: 0, stopped: 0, failed: 0 },
  }
  await page.route('**/api/v1/user/stream*', (route) =>
    route.fulfill({
      contentType: 'text/event-stream',
      body: `event: snapshot\ndata: ${JSON.stringify({ clusters: [cluster] })}\n\nevent: end\ndata: {}\n\n`,
    }),
  )
  await page.reload()
  await page.getByRole('row').getByText(`\\u{202e}${evil}␇`).first().waitFor()
  assert.equal(await page.locator('main img').count(), 0)
  await page.context().close()
  assert.deepEqual(problems, [])
})

test('of 10,000 clusters an administrator sees a page at once, and finds one', async () => {
  await gateway.stop()
  await asOwner(recordMany)
  gateway = await startGateway(options)
  const { page, problems } = await personAt(browser, gateway.address, 'boss')
  await page.getByRole('link', { name: 'All clusters' }).click()
  await page.getByText('No cluster matches.').waitFor()
  const took = async (what: string, work: () => Promise<unknown>) => {
    const begun = performance.now()
    await work()
    const ms = performance.now() - begun
    console.log(`${what}: ${Math.round(ms)} ms`)
    assert.ok(ms < slowestMs, `${what} took ${Math.round(ms)} ms`)
  }
  const rows = page.getByRole('table').getByRole('row')
  await took('the first page', async () => {
    await page.getByLabel('Status').selectOption({ label: 'All, ended ones too' })
    await page.getByText(/^1 to 50 of 10,00\d clusters$/).waitFor()
  })
  assert.equal(await rows.count(), 51)
  await took('the second page', async () => {
    await page.getByRole('button', { name: 'Older' }).click()
    await page.getByText(/^51 to 100 of/).waitFor()
  })
  await took('back', async () => {
    await page.getByRole('button', { name: 'Newer' }).click()
    await page.getByText(/^1 to 50 of/).waitFor()
  })
  await took('one by its reason', async () => {
    await page.getByLabel('Part of name, user or reason').fill('fault 7777')
    await page.getByText('1 cluster', { exact: true }).waitFor()
  })
  await rows.getByText('user-77', { exact: true }).waitFor()
  await lookAt(page, 'admin-many')
  await page.context().close()
  assert.deepEqual(problems, [])
})

/** Copies of the cluster that failed, as records only. */
async function recordMany(): Promise<void> {
  const store = await openStore({
    ...{ url: `sqlite:///${databaseFile}`, encryptKeys: [key] },
    ...{ workingDirectory: directory.path, logger: createTestLogger().logger, debug: false },
  })
  try {
    const [model] = (await store.load()).clusters
    assert.ok(model !== undefined)
    const changes = Array.from(
      { length: many },
      (_, index): Change => ({
        put: 'cluster',
        cluster: {
          ...model,
          name: index.toString(16).padStart(32, '0'),
          username: `user-${index % 100}`,
          reason: `Fault ${index}`,
          startTime: model.startTime + index,
        },
      }),
    )
    for (let at = 0; at < many; at += 500) await store.commit(changes.slice(at, at + 500))
  } finally {
    await store.close()
  }
}

/** The records are the gateway's, which runs as nobody where the tests run as root. */
async function asOwner(work: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return work()
  process.setegid?.(65534)
  process.seteuid?.(65534)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { waitFor } from '../fakes/wait-for.ts'
import { ask, basic } from './harness.ts'

/** Creates a cluster without workers and waits until it runs. */
export async function runningCluster(
  address: string,
  username: string,
  password: string,
  ca?: string,
): Promise<string> {
  const trust = ca === undefined ? {} : { ca }
  const headers = basic(username, password)
  const clusters = `${address}/api/v1/clusters/`
  const created = await ask(clusters, { ...trust, method: 'POST', headers, body: '{}' })
  assert.equal(created.status, 201)
  const { name } = JSON.parse(created.text) as { name: string }
  await waitFor(
    'the cluster to run',
    async () => {
      const { text } = await ask(`${clusters}${name}?wait`, { ...trust, headers })
      const { status } = JSON.parse(text) as { status: string }
      assert.ok(['PENDING', 'RUNNING'].includes(status), text)
      return status === 'RUNNING'
    },
    60_000,
  )
  return name
}

export async function logIn(page: Page, username: string, secret: string): Promise<void> {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(secret)
  await page.getByRole('button', { name: 'Log in' }).click()
}

export async function dashboardDraws(page: Page): Promise<void> {
  // Figures live in the shadow roots of Bokeh, which locators look into.
  await waitFor('the figures', async () => (await page.locator('canvas').count()) >= 5, 30_000)
}

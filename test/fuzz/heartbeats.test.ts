import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { startTestApi } from '../support/test-api.ts'
import { createTestClusters } from '../support/test-clusters.ts'
import { fuzz, mutate, randomFrom } from './mutate.ts'

const seconds = 20

test('no heartbeat body makes the gateway fail, end, or grow', async (context) => {
  const { clusters, cluster } = await createTestClusters(context)
  const api = await startTestApi(context, { service: clusters.service })
  const agent = new Agent({ keepAlive: true })
  context.after(() => agent.destroy())
  const send = (body: Buffer) =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request(
        {
          agent,
          port: api.privatePort,
          host: '127.0.0.1',
          method: 'POST',
          path: `/api/v1/clusters/${cluster.name}/heartbeat`,
          headers: { authorization: `token ${cluster.token}`, 'content-length': body.length },
        },
        (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  const good = {
    scheduler_address: 'tls://127.0.0.1:4000',
    dashboard_address: 'http://127.0.0.1:4001',
    api_address: 'http://127.0.0.1:4002',
    count: 2,
    active_workers: ['a'.repeat(32)],
    closing_workers: [],
    closed_workers: ['b'.repeat(32)],
  }
  const values = [
    null,
    true,
    -1,
    0.5,
    2 ** 53,
    1e300,
    '',
    'x',
    [],
    {},
    [null],
    ['x'],
    { __proto__: null, a: [] },
  ]
  const members = Object.keys(good)
  const seen = new Map<number, number>()
  const before = process.memoryUsage().rss
  const runs = await fuzz(seconds, async (seed) => {
    const random = randomFrom(seed)
    const member = members[random(members.length)] ?? ''
    const body =
      random(2) === 0
        ? mutate(Buffer.from(JSON.stringify(good)), random)
        : Buffer.from(JSON.stringify({ ...good, [member]: values[random(values.length)] }))
    const status = await send(body)
    seen.set(status, (seen.get(status) ?? 0) + 1)
    assert.ok([200, 400, 422].includes(status), `status ${status} for ${body}`)
  })
  assert.equal(await send(Buffer.from(JSON.stringify(good))), 200)
  assert.ok((seen.get(422) ?? 0) > 0 && (seen.get(200) ?? 0) > 0)
  const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20
  assert.ok(grownMiB < 300, `grew by ${grownMiB} MiB`)
  context.diagnostic(
    `${runs} bodies, ${JSON.stringify(Object.fromEntries(seen))}, grown by ${grownMiB.toFixed(0)} MiB`,
  )
})

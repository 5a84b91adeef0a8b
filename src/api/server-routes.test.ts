import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askPrivate, askPublic, basic, startTestApi } from '../../test/support/test-api.ts'
import { createReadiness } from './readiness.ts'

test('health, version and the probes say how the gateway is', async (t) => {
  let broken = false
  const check = async () => {
    if (broken) throw new Error('the disk /var is full')
  }
  const it = await startTestApi(t, { checks: [{ name: 'store', check }] })
  assert.deepEqual((await askPublic(it, '/api/health')).json, { status: 'pass' })
  assert.deepEqual((await askPublic(it, '/api/version')).json, { version: '1.2.3' })
  assert.deepEqual((await askPublic(it, '/livez')).json, { status: 'pass' })
  assert.deepEqual((await askPrivate(it, '/readyz')).json, {
    status: 'pass',
    checks: { store: 'pass' },
  })
  broken = true
  const other = await startTestApi(t, { checks: [{ name: 'store', check }] })
  const inside = await askPrivate(other, '/readyz')
  assert.equal(inside.status, 503)
  assert.deepEqual(inside.json, { status: 'fail', checks: { store: 'the disk /var is full' } })
  const outside = await askPublic(other, '/readyz')
  assert.equal(outside.status, 503)
  assert.deepEqual(outside.json, { status: 'fail' })
  const health = await askPublic(other, '/api/health')
  assert.equal(health.status, 503)
  assert.deepEqual(health.json, { status: 'fail' })
})

test('the checks run once a second however often they are asked', async () => {
  let runs = 0
  let time = 0
  const check = async () => {
    runs++
  }
  const readiness = createReadiness([{ name: 'store', check }], () => time)
  await Promise.all([readiness(), readiness()])
  assert.equal(runs, 1)
  time = 1000
  await readiness()
  assert.equal(runs, 2)
})

test('the figures are on the private address, outside for administrators only', async (t) => {
  const it = await startTestApi(t)
  await askPublic(it, '/api/health')
  const { text, headers } = await askPrivate(it, '/metrics')
  assert.match(String(headers['content-type']), /^text\/plain/)
  assert.match(text, /^dask_gateway_clusters\{status="running"\} 0$/m)
  assert.match(text, /^dask_gateway_workers\{status="created"\} 0$/m)
  assert.match(text, /^dask_gateway_proxies_connected 0$/m)
  assert.match(text, /^dask_gateway_process_cpu_seconds_total /m)
  assert.match(
    text,
    /^dask_gateway_http_request_duration_seconds_count\{route="\/api\/health",method="GET",status="200"\} 1$/m,
  )
  assert.equal((await askPublic(it, '/metrics')).status, 401)
  assert.equal((await askPublic(it, '/metrics', { headers: basic('alice') })).status, 403)
  const { value } = await it.sessions.create({ name: 'root', groups: [], admin: true }, 'login')
  const cookie = `test-gateway=${value}`
  assert.equal((await askPublic(it, '/metrics', { headers: { cookie } })).status, 200)
  const open = await startTestApi(t, { metricsPublic: true })
  assert.equal((await askPublic(open, '/metrics')).status, 200)
})

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { connectAsUser, startTestApi, type TestApi } from '../support/test-api.ts'

const root = join(import.meta.dirname, '../..')
const python = process.env.DASK_GATEWAY_TEST_PYTHON ?? join(root, '.venv/bin/python')
const first = '1'.padStart(32, '0')

/** A port of this host that leads to the API as the proxy would. */
async function openPort(test: TestContext, it: TestApi): Promise<number> {
  const relay = createServer((socket) => {
    const inner = connectAsUser(it)
    socket.pipe(inner).pipe(socket)
    socket.on('error', () => inner.destroy())
    inner.on('error', () => socket.destroy())
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  test.after(() => relay.close())
  const address = relay.address()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

test('the unmodified Python client understands every answer of the API', async (t) => {
  const it = await startTestApi(t, { prefix: '/services/dask' })
  const address = `http://127.0.0.1:${await openPort(t, it)}/services/dask`
  const script = join(import.meta.dirname, 'api-client.py')
  const { stdout } = await promisify(execFile)(python, [script, address], { timeout: 60_000 })
  const foreign = `User jos\u00e9 lacks permissions to view cluster ${first}`
  assert.deepEqual(JSON.parse(stdout), {
    versions: { version: '1.2.3' },
    options: { cores: 1 },
    before: [],
    submitted: first,
    listed: [[first, 'PENDING']],
    'scale while pending': ['GatewayClusterError', `cluster ${first} is not running`],
    unknown: ['ValueError', 'Cluster nothing not found'],
    negative: ['ValueError', 'Scale expects a non-negative integer, got -1'],
    'fails inside': ['GatewayServerError', JSON.parse(stdout)['fails inside'][1]],
    foreign: ['ClientResponseError', 403, foreign.replace('\u00e9', '?')],
    stopped: [[first, 'STOPPED']],
    report: { cores: 1 },
    'wrong password': ['ClientResponseError', 401, 'Wrong user name or password'],
  })
  assert.match(
    JSON.parse(stdout)['fails inside'][1],
    /^The gateway failed at this request; its log/,
  )
})

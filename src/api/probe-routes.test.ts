import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import {
  askPrivate,
  askPublic,
  connectAsUser,
  proxyToken,
  readUntil,
  startTestApi,
} from '../../test/support/test-api.ts'
import type { Route } from '../core/index.ts'

const authorization = { authorization: `token ${proxyToken}` }

test('who has the token gets a route to a port of its own address, and takes it away again', async (t) => {
  const routes = new Map<string, Route>()
  const it = await startTestApi(t, {
    routes: {
      put: (route) => routes.set(route.clusterName, route).size,
      remove: (name) => Number(routes.delete(name)),
      whenAcknowledged: async () => [],
    },
  })
  const ask = { method: 'POST', body: '{"port": 4711}' }
  assert.equal((await askPrivate(it, '/api/v1/routes/probe', ask)).status, 401)
  assert.equal(
    (await askPublic(it, '/api/v1/routes/probe', { ...ask, headers: authorization })).status,
    404,
  )
  const wrong = { method: 'POST', body: '{"port": 0}', headers: authorization }
  assert.equal((await askPrivate(it, '/api/v1/routes/probe', wrong)).status, 422)
  assert.equal(routes.size, 0)

  const made = await askPrivate(it, '/api/v1/routes/probe', { ...ask, headers: authorization })
  const { name } = made.json as { name: string }
  assert.match(name, /^probe-[0-9a-f]{16}$/)
  assert.deepEqual(routes.get(name), { clusterName: name, host: '127.0.0.1', port: 4711 })
  await askPrivate(it, `/api/v1/routes/probe/${name}`, { method: 'DELETE', headers: authorization })
  assert.equal(routes.size, 0)

  await askPrivate(it, '/api/v1/routes/probe', { ...ask, headers: authorization })
  assert.equal(routes.size, 1)
  const elsewhere = (host: string) =>
    askPrivate(it, '/api/v1/routes/probe', {
      ...{ method: 'POST', body: JSON.stringify({ port: 4711, host }), headers: authorization },
    })
  for (const host of ['169.254.169.254', '::ffff:169.254.169.254', 'n0', '0.0.0.0'])
    assert.equal((await elsewhere(host)).status, 422, host)
  const { name: far } = (await elsewhere('10.77.0.9')).json as { name: string }
  assert.equal(routes.get(far)?.host, '10.77.0.9')
  assert.equal(routes.size, 2)
  await it.stop()
  assert.equal(routes.size, 0)
})

test('a WebSocket to /livez is opened and closed; other upgrades there get a plain answer', async (t) => {
  const it = await startTestApi(t)
  const request = (upgrade: string) =>
    `GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  const socket = connectAsUser(it)
  socket.write(request('websocket'))
  const answer = await readUntil(socket, () => false)
  // The example of RFC 6455, 1.3.
  assert.match(answer, /^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/s)

  const other = connectAsUser(it)
  other.write(request('h2c'))
  assert.match(await readUntil(other, (text) => text.includes('pass')), /^HTTP\/1\.1 200 /)
  other.destroy()
  const inside = connect(it.privatePort, '127.0.0.1')
  await once(inside, 'connect')
  inside.write(request('websocket'))
  assert.match(await readUntil(inside, (text) => text.includes('404')), /^HTTP\/1\.1 404 /)
  inside.destroy()
})

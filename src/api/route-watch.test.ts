import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import {
  answers,
  askPrivate,
  askPublic,
  health,
  proxyHeader,
  proxyToken,
  readUntil,
  startTestApi,
  type TestApi,
} from '../../test/support/test-api.ts'

async function openWatch(it: TestApi) {
  const socket = connect(it.privatePort, '127.0.0.1')
  socket.write(
    `GET /api/v1/routes?watch=1&proxy=p1 HTTP/1.1\r\nHost: x\r\nAuthorization: token ${proxyToken}\r\n\r\n`,
  )
  await readUntil(socket, (text) => text.includes('"snapshot"'))
  return socket
}

test('the private address takes users only from a proxy that watches', async (t) => {
  const it = await startTestApi(t, { prefix: '/gateway' })
  const bytes = Buffer.concat([
    proxyHeader(),
    Buffer.from(health.replace('/api', '/gateway/api').repeat(2)),
  ])
  const refused = connect(it.privatePort, '127.0.0.1')
  refused.write(bytes)
  assert.equal(await readUntil(refused, () => false), '')

  const watch = await openWatch(it)
  const taken = connect(it.privatePort, '127.0.0.1')
  taken.write(bytes)
  await readUntil(taken, answers(2))
  taken.destroy()

  const closed = once(watch, 'close')
  watch.destroy()
  await closed
  while (it.routes.watches.size > 0) await new Promise(setImmediate)
  const late = connect(it.privatePort, '127.0.0.1')
  late.write(bytes)
  assert.equal(await readUntil(late, () => false), '')
})

test('users who come sooner than the watch of their proxy wait for it', async (t) => {
  const it = await startTestApi(t)
  const early = connect(it.privatePort, '127.0.0.1')
  early.write(Buffer.concat([proxyHeader(), Buffer.from(health)]))
  const answered = readUntil(early, answers(1))
  const watch = await openWatch(it)
  await answered
  early.destroy()
  watch.destroy()
})

test('a proxy learns routes with the token, and acknowledges', async (t) => {
  const it = await startTestApi(t)
  const headers = { authorization: `token ${proxyToken}` }
  assert.deepEqual((await askPrivate(it, '/api/v1/routes', { headers })).json, {
    epoch: 'e1',
    version: 0,
    routes: [],
  })
  assert.equal((await askPrivate(it, '/api/v1/routes')).status, 401)
  const wrong = { headers: { authorization: 'token wrong' } }
  assert.equal((await askPrivate(it, '/api/v1/routes?watch=1&proxy=a', wrong)).status, 401)
  assert.equal((await askPublic(it, '/api/v1/routes', { headers })).status, 404)
  const bad = await askPrivate(it, '/api/v1/routes?watch=1&proxy=a%20b', { headers })
  assert.equal(bad.status, 422)

  const ack = (epoch: string) =>
    askPrivate(it, '/api/v1/routes/ack', {
      method: 'POST',
      headers,
      body: JSON.stringify({ proxy: 'p1', epoch, version: 1 }),
    })
  assert.equal((await ack('e1')).status, 409)
  const watch = await openWatch(it)
  const line = readUntil(watch, (text) => text.includes('"remove"'))
  it.routes.watches.get('p1')?.write('{"type":"remove","version":1,"clusterName":"c"}\n')
  await line
  assert.equal((await ack('e1')).status, 204)
  assert.equal((await ack('other')).status, 409)
  const second = await openWatch(it)
  assert.equal(await readUntil(watch, (text) => text.endsWith('0\r\n\r\n')), '0\r\n\r\n')
  second.destroy()
  watch.destroy()
})

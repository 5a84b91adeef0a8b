import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { createKeyPair } from '../util/index.ts'
import { createRouteTable } from './route-table.ts'
import { serveProxy } from './run-proxy.ts'
import { listening, local, log } from './start-proxy.fixture.ts'
import { watchServer } from './watch-server.fixture.ts'

const keys = await createKeyPair(['dask-internal'])

test('the gateway knows the TLS connections of a cluster, and knows when it does not know', async (t) => {
  const table = createRouteTable({ maxEvents: 10, pingPeriodMs: 50 })
  let server = await watchServer(table, 'secret')
  t.after(() => server.stop())
  const scheduler = createTlsServer({ key: keys.keyPem, cert: keys.certPem }, (socket) =>
    socket.on('error', () => {}).pipe(socket),
  )
  const port = await listening(t, scheduler)
  table.put({ clusterName: 'abc', host: '127.0.0.1', port })
  assert.deepEqual(table.clientsOf('abc'), { state: 'unknown' })
  const proxy = await serveProxy({
    ...{ address: local, tcpAddress: null, token: 'secret', log },
    ...{ gatewayUrl: server.url, watchUrl: server.url },
  })
  t.after(() => proxy.stop())
  const connected = async () => {
    const client = connectTls({
      ...{ host: '127.0.0.1', port: proxy.address.port, ca: keys.certPem },
      ...{ servername: 'daskgateway-abc', checkServerIdentity: () => undefined },
    })
    client.on('error', () => {})
    t.after(() => client.destroy())
    await once(client, 'secureConnect')
    return client
  }
  const state = () => table.clientsOf('abc')
  await waitFor('the first report', () => state().state === 'none')

  const [one, two] = [await connected(), await connected()]
  const counted = () => {
    const now = state()
    return now.state === 'connected' ? now.count : null
  }
  await waitFor('both', () => counted() === 2)
  one.destroy()
  two.destroy()
  const before = performance.now()
  const none = await waitFor('their end', () => {
    const now = state()
    return now.state === 'none' && now
  })
  assert.ok(none.state === 'none' && none.since >= before - 100)

  await connected()
  await waitFor('another', () => counted() === 1)
  const { port: watchPort } = server
  await server.stop()
  await waitFor('nothing to be known', () => state().state === 'unknown')
  server = await watchServer(table, 'secret', watchPort)
  await waitFor('it to be known again', () => counted() === 1, 20_000)
})

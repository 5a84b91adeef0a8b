import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import {
  closed,
  dial,
  helloFor,
  listening,
  proxy,
  readAll,
  scheduler,
} from './start-proxy.fixture.ts'

test('who comes while the gateway is away waits for it; too many, or too long, are closed', async (t) => {
  const { port, socketPath } = await proxy(t, {
    limits: { gatewayWaitMs: 400, maxWaiting: 2, gatewayRetryMs: 20 },
  })
  const late = dial(t, port)
  late.write('GET /late')
  assert.equal((await closed(late)).length, 0)

  const clients = [1, 2, 3].map((n) => {
    const client = dial(t, port)
    client.end(`GET /${n}`)
    return client
  })
  await Promise.race(clients.map((client) => once(client, 'close')))
  const gateway = createServer({ allowHalfOpen: true })
  gateway.on('connection', (socket: Socket) => {
    socket.resume().end('back')
  })
  await listening(t, gateway, socketPath)
  const open = clients.filter((client) => !client.destroyed)
  assert.equal(open.length, 2)
  assert.deepEqual((await Promise.all(open.map(readAll))).map(String), ['back', 'back'])
})

test('a silent connection, and half a hello, are closed at the limit', async (t) => {
  const { port } = await proxy(t, { limits: { helloMs: 100 } })
  const hello = await helloFor(t, 'daskgateway-abc')
  const clients = [dial(t, port), dial(t, port)]
  clients[1]?.write(hello.subarray(0, 100))
  for (const bytes of await Promise.all(clients.map(closed))) assert.equal(bytes.length, 0)
})

test('silent connections of one address are limited; tunnels are not, but by cluster', async (t) => {
  const { port, route } = await proxy(t, {
    limits: { maxSilentPerAddress: 3, maxTunnelsPerCluster: 5 },
  })
  const { port: target, connection } = await scheduler(t)
  route('abc', target)
  const hello = await helloFor(t, 'daskgateway-abc')
  for (let n = 0; n < 5; n++) {
    const arriving = connection()
    dial(t, port).write(hello)
    await arriving
  }
  const sixth = dial(t, port)
  sixth.write(hello)
  assert.equal((await closed(sixth)).length, 0)
  const silent: ReturnType<typeof dial>[] = []
  for (let n = 0; n < 4; n++) {
    const next = dial(t, port)
    await once(next, 'connect')
    silent.push(next)
  }
  await Promise.race(silent.map(closed))
  assert.deepEqual(
    silent.map((client) => client.closed),
    [true, false, false, false],
    'the oldest makes room, so that who speaks at once is always served',
  )
})

test('while not all routes are known, a tunnel waits for its own, and not longer than that', async (t) => {
  const { port, tunnels } = await proxy(t, { limits: { routesWaitMs: 60_000 } })
  const { port: target, connection } = await scheduler(t)
  tunnels.upToDate(false)
  const [known, unknown] = [dial(t, port), dial(t, port)]
  const hello = await helloFor(t, 'daskgateway-abc')
  known.write(hello)
  unknown.write(await helloFor(t, 'daskgateway-unknown'))
  const arriving = connection()
  tunnels.replaceAll([{ clusterName: 'abc', host: '127.0.0.1', port: target }])
  tunnels.upToDate(true)
  assert.deepEqual((await once(await arriving, 'data'))[0], hello)
  assert.equal((await closed(unknown)).length, 0)

  const impatient = await proxy(t, { limits: { routesWaitMs: 50 } })
  impatient.tunnels.upToDate(false)
  const late = dial(t, impatient.port)
  late.write(hello)
  assert.equal((await closed(late)).length, 0)
})

test('the tunnels of a removed route are cut, those of a route that came back are not', async (t) => {
  const { port, route, tunnels } = await proxy(t, { limits: { removedGraceMs: 50 } })
  const { port: target, connection } = await scheduler(t)
  const open = async (name: string) => {
    route(name, target)
    const client = dial(t, port)
    const arriving = connection()
    client.write(await helloFor(t, `daskgateway-${name}`))
    await once(await arriving, 'data')
    return client
  }
  const [kept, back, removed] = [await open('kept'), await open('back'), await open('removed')]
  tunnels.remove('back')
  route('back', target)
  tunnels.replaceAll([
    { clusterName: 'kept', host: '127.0.0.1', port: 1 },
    { clusterName: 'back', host: '127.0.0.1', port: target },
  ])
  await closed(removed)
  assert.equal(kept.destroyed || back.destroyed, false)
})

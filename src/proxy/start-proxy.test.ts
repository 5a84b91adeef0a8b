import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { createKeyPair, decodeProxyHeader } from '../util/index.ts'
import {
  closed,
  dial,
  helloFor,
  listening,
  local,
  log,
  proxy,
  readAll,
  scheduler,
} from './start-proxy.fixture.ts'
import { startProxy } from './start-proxy.ts'

const keys = await createKeyPair(['dask-internal'])

test('TLS with the name of a cluster reaches its scheduler, end to end', async (t) => {
  const server = createTlsServer({ key: keys.keyPem, cert: keys.certPem }, (socket) =>
    socket.on('error', () => {}).pipe(socket),
  )
  const { port, route } = await proxy(t)
  route('abc', await listening(t, server))
  const client = connectTls({
    host: '127.0.0.1',
    port,
    ca: keys.certPem,
    servername: 'DaskGateway-ABC',
    checkServerIdentity: () => undefined,
  })
  t.after(() => client.destroy())
  await once(client, 'secureConnect')
  assert.ok(client.authorized)
  client.write('hello')
  assert.equal(String((await once(client, 'data'))[0]), 'hello')
})

test('a hello byte by byte arrives whole, with what follows it', async (t) => {
  const { port, route } = await proxy(t)
  const { port: target, connection } = await scheduler(t)
  route('abc', target)
  const hello = await helloFor(t, 'daskgateway-abc')
  const client = dial(t, port).setNoDelay(true)
  const arriving = connection()
  for (const byte of hello) {
    client.write(Buffer.from([byte]))
    await setImmediate()
  }
  client.end('rest')
  const socket = await arriving
  assert.deepEqual(await readAll(socket), Buffer.concat([hello, Buffer.from('rest')]))
})

test('an end on one side is an end on the other, and the other way goes on', async (t) => {
  const { port, route } = await proxy(t)
  const { port: target, connection } = await scheduler(t)
  route('abc', target)
  const hello = await helloFor(t, 'daskgateway-abc')
  for (const clientEndsFirst of [true, false]) {
    const client = dial(t, port)
    const arriving = connection()
    client.write(hello)
    const socket = await arriving
    await once(socket, 'data')
    const [first, second] = clientEndsFirst ? [client, socket] : [socket, client]
    const atSecond = readAll(second)
    first.end('last words')
    assert.ok((await atSecond).toString('latin1').endsWith('last words'))
    const atFirst = readAll(first)
    second.write('still here')
    second.end(' and gone')
    assert.equal(String(await atFirst), 'still here and gone')
  }
})

test('a reset is passed on', async (t) => {
  const { port, route } = await proxy(t)
  const { port: target, connection } = await scheduler(t)
  route('abc', target)
  const client = dial(t, port)
  const arriving = connection()
  client.write(await helloFor(t, 'daskgateway-abc'))
  const socket = await arriving
  await once(socket, 'data')
  const failed = once(client, 'error')
  socket.resetAndDestroy()
  assert.equal((await failed)[0].code, 'ECONNRESET')
})

test('50 MB each way past slow readers, in little memory', { timeout: 60_000 }, async (t) => {
  const { port, route } = await proxy(t)
  const { port: target, connection } = await scheduler(t)
  route('abc', target)
  const hello = await helloFor(t, 'daskgateway-abc')
  const client = dial(t, port)
  const arriving = connection()
  client.write(hello)
  const socket = await arriving
  await once(socket, 'data')
  const total = 50 * 2 ** 20
  // With nobody reading, what can be written is what kernel and proxy hold.
  for (const [writer, reader] of [
    [client, socket],
    [socket, client],
  ] as const) {
    reader.pause()
    const chunk = Buffer.alloc(2 ** 16, 7)
    let written = 0
    const fill = () => {
      while (written < total) {
        written += chunk.length
        if (!writer.write(chunk)) return
      }
    }
    const before = process.memoryUsage().arrayBuffers
    writer.on('drain', fill)
    fill()
    let seen = -1
    while (seen !== writer.bytesWritten - writer.writableLength || writer.writableLength === 0) {
      seen = writer.bytesWritten - writer.writableLength
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    assert.ok(written < total, `${written} bytes were taken from the writer`)
    const held = process.memoryUsage().arrayBuffers - before
    assert.ok(held < 8 * 2 ** 20, `${held} bytes are held`)
    let read = 0
    const all = new Promise<void>((resolve) =>
      reader.on('data', (data) => {
        read += data.length
        if (read >= total) resolve()
      }),
    )
    reader.resume()
    await all
    assert.equal(read, total)
    writer.removeAllListeners('drain')
    reader.removeAllListeners('data')
  }
})

test('an unknown cluster, a dead scheduler and a broken hello are closed without a byte', async (t) => {
  const { port, route } = await proxy(t)
  const server = createServer()
  const dead = await listening(t, server)
  server.close()
  await once(server, 'close')
  route('dead', dead)
  for (const bytes of [
    await helloFor(t, 'daskgateway-unknown'),
    await helloFor(t, 'daskgateway-dead'),
    Buffer.from([22, 3, 1, 0, 0]),
  ]) {
    const client = dial(t, port)
    client.write(bytes)
    assert.equal((await closed(client)).length, 0)
  }
})

test('everything else reaches the gateway untouched, behind a header with the client', async (t) => {
  const { port, socketPath } = await proxy(t)
  const gateway = createServer({ allowHalfOpen: true })
  await listening(t, gateway, socketPath)
  const messages = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0]),
    await helloFor(t, 'gateway.example.org'),
    await helloFor(t, 'daskgateway-a.b'),
  ]
  for (const message of messages) {
    const client = dial(t, port)
    const arriving = once(gateway, 'connection')
    client.end(message)
    const [socket] = (await arriving) as [Socket]
    const result = decodeProxyHeader(await readAll(socket))
    assert.ok(result.state === 'done' && result.header.command === 'proxy')
    assert.deepEqual(result.rest, message)
    assert.deepEqual(result.header.source, {
      family: 'tcp4',
      address: '127.0.0.1',
      port: client.localPort,
    })
    assert.deepEqual(result.header.destination, { family: 'tcp4', address: '127.0.0.1', port })
    const answer = readAll(client)
    socket.end('answer')
    assert.equal(String(await answer), 'answer')
  }
})

test('with two ports, one takes tunnels alone and the other HTTP alone', async (t) => {
  const running = await proxy(t, { tcpAddress: local })
  const gateway = createServer({ allowHalfOpen: true })
  await listening(t, gateway, running.socketPath)
  const { port: target, connection } = await scheduler(t)
  running.route('abc', target)
  const hello = await helloFor(t, 'daskgateway-abc')
  const tcpPort = running.tcpAddress?.port ?? 0

  const tunnel = dial(t, tcpPort)
  const arriving = connection()
  tunnel.write(hello)
  assert.deepEqual((await once(await arriving, 'data'))[0], hello)

  for (const bytes of [Buffer.from('GET /'), await helloFor(t, 'other')]) {
    const refused = dial(t, tcpPort)
    refused.write(bytes)
    assert.equal((await closed(refused)).length, 0)
  }

  const http = dial(t, running.port)
  const atGateway = once(gateway, 'connection')
  http.end(hello)
  const [socket] = (await atGateway) as [Socket]
  const result = decodeProxyHeader(await readAll(socket))
  assert.deepEqual(result.state === 'done' && result.rest, hello)
})

test('a port in use is named with its setting', async (t) => {
  const { port } = await proxy(t)
  const options = { address: { host: '127.0.0.1', port }, gateway: { path: '/none' }, log }
  await assert.rejects(startProxy({ ...options, tcpAddress: null }), {
    name: 'GatewayError',
    message: new RegExp(`Proxy\\.address = "127\\.0\\.0\\.1:${port}": the port is in use`),
  })
  const swapped = { ...options, address: local, tcpAddress: options.address }
  await assert.rejects(startProxy(swapped), { message: /Proxy\.tcp_address/ })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createGatewayClient, type GatewayError, linesOf } from './index.ts'

/** A server that answers one request after the other as it is told. */
async function serverOf(
  test: TestContext,
  answers: readonly ((request: IncomingMessage, response: ServerResponse) => void)[],
) {
  let count = 0
  const server = createServer((request, response) => {
    const answer = answers[count++]
    if (answer === undefined) response.destroy()
    else answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}`, count: () => count }
}

const event = (id: number) => `id: ${id}\nevent: event\ndata: {"id": ${id}}\n\n`
const end = 'event: end\ndata: {}\n\n'

test('a stream that breaks off goes on behind the last event, and its interruption is told', async (t) => {
  const seen: (string | undefined)[] = []
  const server = await serverOf(t, [
    (_request, response) => {
      response.write(`retry: 1\n\n:\n\n${event(1)}id: 2\nevent: ev`)
      setImmediate(() => response.destroy())
    },
    (_request, response) => response.destroy(),
    (_request, response) => response.writeHead(503).end('{"error":"later","code":"unavailable"}'),
    (request, response) => {
      seen.push(request.headers['last-event-id'] as string)
      // In pieces, so that a character and a line are torn.
      const bytes = Buffer.from(`id: 2\nevent: event\ndata: {"id": 2, "message": "😀"}\n\n${end}`)
      for (const byte of bytes) response.write(Buffer.of(byte))
      response.end()
    },
  ])
  const gateway = createGatewayClient({ address: server.address })
  const told: (string | null)[] = []
  const events: unknown[] = []
  const options = { onInterruption: (error: GatewayError | null) => told.push(error?.code ?? null) }
  for await (const each of gateway.followEvents('x', 0, options)) events.push(each)
  assert.deepEqual(events, [{ id: 1 }, { id: 2, message: '😀' }])
  assert.deepEqual(seen, ['1'])
  assert.deepEqual(told, ['unreachable', 'unreachable', 'unavailable', null])
})

test('what another try does not mend is thrown, with the code; the first connection is tried once', async (t) => {
  const server = await serverOf(t, [
    (_request, response) => {
      response.write(event(1))
      setImmediate(() => response.destroy())
    },
    (_request, response) =>
      response.writeHead(401).end('{"error":"who?","code":"unauthenticated"}'),
  ])
  const gateway = createGatewayClient({ address: server.address })
  const all = async () => {
    for await (const _each of gateway.followEvents('x'));
  }
  await assert.rejects(all, { name: 'GatewayError', code: 'unauthenticated', message: 'who?' })
  await assert.rejects(all, { code: 'unreachable' })
  assert.equal(server.count(), 3)
})

test('an abort ends a call, a stream and a wait with the reason of the signal', async (t) => {
  const server = await serverOf(t, [
    () => {},
    (_request, response) => response.write(event(1)),
    () => {},
  ])
  const gateway = createGatewayClient({ address: server.address })
  const reason = new Error('enough')
  const soon = () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 50)
    return { signal: controller.signal }
  }
  await assert.rejects(gateway.user(soon()), reason)
  await assert.rejects(async () => {
    for await (const _each of gateway.followEvents('x', 0, soon()));
  }, reason)
  await assert.rejects(gateway.waitUntilRunning('x', soon()), reason)
})

test('answers that no gateway gives are errors with a code', async (t) => {
  const server = await serverOf(t, [
    (_request, response) => response.end('<html>'),
    (_request, response) => response.writeHead(502).end('<html>bad gateway'),
    (_request, response) => response.writeHead(302, { location: 'https://hub/login' }).end(),
    () => {},
  ])
  const gateway = createGatewayClient({ address: `${server.address}/`, timeoutMs: 2000 })
  await assert.rejects(gateway.user(), { code: 'unexpected', status: 200 })
  await assert.rejects(gateway.user(), { code: 'upstream', status: 502 })
  await assert.rejects(gateway.user(), {
    code: 'unexpected',
    message: /elsewhere \(https:\/\/hub\/login\)/,
  })
  await assert.rejects(gateway.user(), { code: 'unreachable', message: /no answer within 2 s/ })
})

test('lines of a log come whole, however the pieces were cut', async () => {
  async function* pieces() {
    for (const text of ['one\ntw', 'o\n', '', '\nth', 'ree']) yield { from: 0, text }
    yield { from: 0, text: 'x'.repeat(70_000) }
  }
  const lines: string[] = []
  for await (const line of linesOf(pieces())) lines.push(line)
  assert.deepEqual(lines.slice(0, 3), ['one', 'two', ''])
  assert.equal(lines.slice(3).join(''), `three${'x'.repeat(70_000)}`)
})

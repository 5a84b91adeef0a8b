import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, createServer } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import {
  decodeProxyHeader,
  encodeProxyHeader,
  maxClientHelloBytes,
  readClientHello,
} from '../../src/util/index.ts'
import { fuzz, mutate, randomFrom } from './mutate.ts'

const seconds = 20

/** The first flight of Node's own TLS. */
async function realHello(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const socket = connectTcp(port, '127.0.0.1')
  const tls = connectTls({ socket, servername, rejectUnauthorized: false }).on('error', () => {})
  const [peer] = await once(server, 'connection')
  const [bytes] = (await once(peer, 'data')) as [Buffer]
  tls.destroy()
  peer.destroy()
  server.close()
  return bytes
}

/** What is said of the whole must be said of it in pieces too, and never before enough is there. */
function inPieces(bytes: Buffer, random: (below: number) => number) {
  for (let end = 0; end < bytes.length; end += 1 + random(200)) {
    const said = readClientHello(bytes.subarray(0, end))
    if (said.state !== 'need-more') return said
    assert.ok(said.atLeast > end && said.atLeast <= maxClientHelloBytes + 5)
  }
  return readClientHello(bytes)
}

test('no bytes make the reader of TLS hellos throw, hang, or say two things', async (context) => {
  const seeds = [await realHello('daskgateway-abc'), await realHello('localhost')]
  const runs = await fuzz(seconds, (seed) => {
    const random = randomFrom(seed)
    const bytes = mutate(seeds[random(seeds.length)] ?? Buffer.alloc(0), random)
    const begun = performance.now()
    const whole = readClientHello(bytes)
    assert.ok(performance.now() - begun < 500)
    if (whole.state === 'done' && whole.serverName !== null)
      assert.match(whole.serverName, /^[\x21-\x7e]{1,255}$/)
    const pieces = inPieces(bytes, random)
    if (whole.state !== 'error') assert.deepEqual(pieces, whole)
    else assert.notEqual(pieces.state, 'need-more')
  })
  context.diagnostic(`${runs} hellos`)
})

test('no bytes make the reader of PROXY headers throw, hang, or say two things', async (context) => {
  const source = { address: '203.0.113.9', port: 1234 }
  const destination = { address: '192.0.2.1', port: 80 }
  const seeds = [
    encodeProxyHeader({ source, destination }),
    encodeProxyHeader({
      source: { address: '2001:db8::1', port: 1 },
      destination: { address: '2001:db8::2', port: 2 },
    }),
    encodeProxyHeader(null),
  ].map((header) => Buffer.concat([header, Buffer.from('GET / HTTP/1.1\r\n\r\n')]))
  const runs = await fuzz(seconds, (seed) => {
    const random = randomFrom(seed)
    const bytes = mutate(seeds[random(seeds.length)] ?? Buffer.alloc(0), random)
    const whole = decodeProxyHeader(bytes)
    for (let end = 0; end < bytes.length; end += 1 + random(4)) {
      const part = decodeProxyHeader(bytes.subarray(0, end))
      if (part.state === 'need-more') continue
      assert.equal(part.state, whole.state)
      if (part.state === 'done' && whole.state === 'done')
        assert.deepEqual(part.header, whole.header)
    }
    if (whole.state === 'done')
      assert.ok(bytes.subarray(-whole.rest.length || bytes.length).equals(whole.rest))
  })
  context.diagnostic(`${runs} headers`)
})

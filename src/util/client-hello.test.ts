import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { readClientHello } from './client-hello.ts'

/** What node:tls sends first. */
async function nodeHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = connect({ host: '127.0.0.1', port, ...options }).on('error', () => {})
  const [socket] = await once(server, 'connection')
  const chunks: Buffer[] = []
  do chunks.push((await once(socket, 'data'))[0])
  while (readClientHello(Buffer.concat(chunks)).state === 'need-more')
  client.destroy()
  socket.destroy()
  server.close()
  return Buffer.concat(chunks)
}

/** What Python's ssl, the client's TLS, sends first. */
function pythonHello(serverName: string): Buffer {
  const script = `
import ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
out = ssl.MemoryBIO()
try: context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=sys.argv[1] or None).do_handshake()
except ssl.SSLWantReadError: print(out.read().hex())`
  return Buffer.from(execFileSync('python3', ['-c', script, serverName]).toString().trim(), 'hex')
}

/** The same hello in records of at most `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const records: Buffer[] = []
  for (let at = 5; at < hello.length; at += size) {
    const fragment = hello.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 255]), fragment)
  }
  return Buffer.concat(records)
}

/** Asserts the result at the end, and that before it more is asked for, never more than the end needs. */
function assertReadsAtEnd(hello: Buffer, serverName: string | null) {
  for (let length = 0; length < hello.length; length++) {
    const result = readClientHello(hello.subarray(0, length))
    assert.ok(result.state === 'need-more', `${result.state} at ${length}`)
    assert.ok(result.atLeast > length && result.atLeast <= hello.length)
  }
  assert.deepEqual(readClientHello(hello), { state: 'done', serverName })
  const more = Buffer.concat([hello, Buffer.from('anything')])
  assert.deepEqual(readClientHello(more), { state: 'done', serverName })
}

test('hellos of node:tls and of Python, at every length', async () => {
  assertReadsAtEnd(await nodeHello({ servername: 'DaskGateway-ABC' }), 'daskgateway-abc')
  assertReadsAtEnd(
    await nodeHello({ maxVersion: 'TLSv1.2', servername: 'a.b.example' }),
    'a.b.example',
  )
  assertReadsAtEnd(await nodeHello({}), null)
  assertReadsAtEnd(pythonHello('daskgateway-0123456789abcdef'), 'daskgateway-0123456789abcdef')
  assertReadsAtEnd(pythonHello(''), null)
})

test('a hello in several records, also when the four bytes before it are cut', async () => {
  const hello = pythonHello('daskgateway-abc')
  for (const size of [hello.length, 300, 100, 16])
    assertReadsAtEnd(inRecords(hello, size), 'daskgateway-abc')
  const first = Buffer.from([22, 3, 1, 0, 2, hello[5] ?? 0, hello[6] ?? 0])
  const rest = hello.subarray(7)
  const second = Buffer.from([22, 3, 1, rest.length >> 8, rest.length & 255])
  assertReadsAtEnd(Buffer.concat([first, second, rest]), 'daskgateway-abc')
  assert.equal(readClientHello(inRecords(hello, 1)).state, 'error')
})

test('a hello of a post-quantum size, longer than one record can be', () => {
  const big = built({ extensions: [[51, Buffer.alloc(30_000)], sni('daskgateway-abc')] })
  assertReadsAtEnd(inRecords(big, 8_000), 'daskgateway-abc')
})

type Extension = readonly [type: number, data: Buffer]
const sized = (bytes: Buffer, width: number) => {
  const length = Buffer.alloc(width)
  length.writeUIntBE(bytes.length, 0, width)
  return Buffer.concat([length, bytes])
}
const name = (text: string, type = 0) =>
  Buffer.concat([Buffer.from([type]), sized(Buffer.from(text, 'latin1'), 2)])
const sni = (...names: (string | Buffer)[]): Extension => [
  0,
  sized(Buffer.concat(names.map((each) => (typeof each === 'string' ? name(each) : each))), 2),
]

function built(parts: {
  extensions?: readonly Extension[]
  version?: number
  session?: Buffer
  ciphers?: Buffer
  compression?: Buffer
  end?: Buffer
  type?: number
}): Buffer {
  const extensions = parts.extensions?.map(([type, data]) =>
    Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(data, 2)]),
  )
  const body = Buffer.concat([
    Buffer.from([parts.version ?? 3, 3]),
    Buffer.alloc(32),
    sized(parts.session ?? Buffer.alloc(32), 1),
    sized(parts.ciphers ?? Buffer.from('1301', 'hex'), 2),
    sized(parts.compression ?? Buffer.from([0]), 1),
    extensions === undefined ? Buffer.alloc(0) : sized(Buffer.concat(extensions), 2),
    parts.end ?? Buffer.alloc(0),
  ])
  const handshake = Buffer.concat([Buffer.from([parts.type ?? 1]), sized(body, 3)])
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(handshake, 2)])
}

test('what is built here is a hello', () => {
  assertReadsAtEnd(built({}), null)
  assertReadsAtEnd(built({ extensions: [] }), null)
  assertReadsAtEnd(built({ extensions: [[10, Buffer.alloc(4)], sni('a')] }), 'a')
})

const plain = built({ extensions: [sni('a')] })
const changed = (index: number, value: number) => {
  const bytes = Buffer.from(plain)
  bytes[index] = value
  return bytes
}
const refused: Record<string, Buffer> = {
  'plain text': Buffer.from('GET / HTTP/1.1'),
  'an alert': Buffer.from([21]),
  'an unknown record version': Buffer.from([22, 2]),
  'an empty record': Buffer.from([22, 3, 1, 0, 0]),
  'a record above 2^14': Buffer.from([22, 3, 1, 0x40, 1]),
  'another record type in the middle': Buffer.concat([
    inRecords(plain, 20).subarray(0, 25),
    Buffer.from([23]),
  ]),
  'another handshake message': built({ type: 2 }),
  'a handshake of more than 64 KiB': Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0]),
  'something behind the hello in its record': changed(4, plain[4] ?? 0).fill(
    (plain[8] ?? 0) - 1,
    8,
    9,
  ),
  'an unknown version': built({ version: 4 }),
  'a long session id': built({ session: Buffer.alloc(33) }),
  'no cipher suite': built({ ciphers: Buffer.alloc(0) }),
  'half a cipher suite': built({ ciphers: Buffer.alloc(3) }),
  'no compression method': built({ compression: Buffer.alloc(0) }),
  'junk behind the extensions': built({ extensions: [], end: Buffer.from([0]) }),
  'half a length of extensions': built({ end: Buffer.from([0]) }),
  'an extension twice': built({
    extensions: [[10, Buffer.alloc(0)], sni('a'), [10, Buffer.alloc(0)]],
  }),
  'two server_name extensions': built({ extensions: [sni('a'), sni('a')] }),
  'two host names': built({ extensions: [sni('a', 'b')] }),
  'a name of another type': built({ extensions: [sni(name('a', 1))] }),
  'a name of another type besides': built({ extensions: [sni('a', name('b', 1))] }),
  'an empty name': built({ extensions: [sni('')] }),
  'an empty list': built({ extensions: [sni()] }),
  'an empty server_name': built({ extensions: [[0, Buffer.alloc(0)]] }),
  'a name with a zero': built({ extensions: [sni('daskgateway-a\0.example')] }),
  'a name beyond ASCII': built({ extensions: [sni('daskgateway-\xe4')] }),
  'a name of 256 characters': built({ extensions: [sni('a'.repeat(256))] }),
  'junk behind the list': built({
    extensions: [[0, Buffer.concat([sni('a')[1], Buffer.from([0])])]],
  }),
  'a list longer than its extension': built({
    extensions: [[0, Buffer.from([0, 9, 0, 0, 1, 97])]],
  }),
}
for (const [what, bytes] of Object.entries(refused))
  test(`refuses ${what}`, () => assert.equal(readClientHello(bytes).state, 'error'))

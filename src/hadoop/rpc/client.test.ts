import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../../test/fakes/wait-for.ts'
import type { Initiator } from '../../kerberos/index.ts'
import { HadoopError, type HadoopErrorCode } from '../errors.ts'
import { message, optional } from '../wire/message.ts'
import { string } from '../wire/types.ts'
import { createRpcClient, type RpcClientOptions, type RpcMethod } from './client.ts'
import { type FakeServer, startFakeServer } from './server.fixture.ts'

const text = message({ text: optional(1, string) })
type Text = { readonly text?: string | undefined }
const get: RpcMethod<Text, Text> = {
  name: 'get',
  request: text,
  response: text,
  isRepeatable: true,
}
const once: RpcMethod<Text, Text> = { ...get, name: 'once', isRepeatable: false }
const fine = (words: string) => ({ response: text.encode({ text: words }) })
const standby = { className: 'org.apache.hadoop.ipc.StandbyException' }

async function serve(
  context: TestContext,
  options: Parameters<typeof startFakeServer>[0],
): Promise<FakeServer> {
  const server = await startFakeServer(options)
  context.after(() => server.stop())
  return server
}

function clientOf(
  context: TestContext,
  servers: readonly FakeServer[],
  options: Partial<RpcClientOptions> = {},
) {
  const client = createRpcClient({
    what: 'the server',
    protocol: 'Test',
    servers: servers.map(({ server }) => server),
    login: { kind: 'simple', user: 'dask' },
    protections: ['authentication'],
    limitMs: 20_000,
    serverLimitMs: 20_000,
    ...options,
  })
  context.after(() => client.close())
  return client
}

const refusal = (code: HadoopErrorCode, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof HadoopError, String(error))
  assert.equal(error.code, code, error.message)
  assert.match(error.message, words)
  return true
}

test('many calls at once share one connection for each user', async (t) => {
  const server = await serve(t, { onCall: ({ id }) => fine(String(id)) })
  const client = clientOf(t, [server])
  const users = ['alice', 'bob', undefined]
  await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      client.call(get, {}, { onBehalfOf: users[index % 3] }),
    ),
  )
  assert.equal(server.connections, 3)
  assert.equal(server.calls.length, 300)
  assert.equal(new Set(server.calls.map(({ id }) => id)).size, 300)
  const byUser = Map.groupBy(server.calls, (call) => call.effectiveUser)
  assert.deepEqual([...byUser.keys()].sort(), ['alice', 'bob', 'dask'])
  for (const calls of byUser.values())
    assert.equal(new Set(calls.map(({ connection }) => connection)).size, 1)
})

test("a refusal comes with the server's words and its class, and is not tried again", async (t) => {
  const server = await serve(t, {
    onCall: () => ({
      className: 'org.apache.hadoop.yarn.exceptions.YarnException',
      message:
        'org.apache.hadoop.yarn.exceptions.YarnException: queue x is full\nask later\n\tat Rm.java:1',
    }),
  })
  await assert.rejects(clientOf(t, [server]).call(get, {}), (error) => {
    refusal('remote', /^queue x is full\nask later$/)(error)
    assert.match((error as HadoopError).className ?? '', /YarnException$/)
    return true
  })
  assert.equal(server.calls.length, 1)
})

test('a standby refers to the next server, which is then asked first', async (t) => {
  const first = await serve(t, { onCall: () => standby })
  const second = await serve(t, { onCall: () => fine('active') })
  const client = clientOf(t, [first, second])
  for (const _ of [1, 2]) assert.equal((await client.call(once, {})).text, 'active')
  assert.equal(first.calls.length, 1)
  // It is the same call to the servers, which so know it again.
  const ids = [...first.calls, ...second.calls].map(({ id, clientId }) => `${id} ${clientId}`)
  assert.equal(ids[0], ids[1])
  assert.deepEqual(
    second.calls.map(({ retryCount }) => retryCount),
    [1, 0],
  )
})

test('a server that is gone refers to the next; when all are gone, all are named', async (t) => {
  const gone = await startFakeServer({})
  await gone.stop()
  const server = await serve(t, { onCall: () => fine('here') })
  assert.equal((await clientOf(t, [gone, server]).call(once, {})).text, 'here')
  const client = clientOf(t, [gone, gone], { limitMs: 300 })
  await assert.rejects(
    client.call(once, {}),
    refusal(
      'unreachable',
      /the server could not be asked \(once\) within 0.3 s: 127.0.0.1:.*ECONNREFUSED/,
    ),
  )
})

test('a server that is starting is asked again', async (t) => {
  let count = 0
  const server = await serve(t, {
    onCall: () =>
      ++count < 3 ? { className: 'org.apache.hadoop.ipc.RetriableException' } : fine('up'),
  })
  assert.equal((await clientOf(t, [server]).call(once, {})).text, 'up')
  assert.deepEqual(
    server.calls.map(({ retryCount }) => retryCount),
    [0, 1, 2],
  )
})

test('a call whose answer is lost is repeated only if Hadoop allows it', async (t) => {
  let count = 0
  const server = await serve(t, { onCall: () => (++count === 1 ? 'hang up' : fine('again')) })
  assert.equal((await clientOf(t, [server]).call(get, {})).text, 'again')
  count = 0
  await assert.rejects(
    clientOf(t, [server]).call(once, {}),
    refusal('unknown-outcome', /ended the connection/),
  )
  assert.equal(count, 1)
})

test('what may have been done stays so, whatever comes after', async (t) => {
  let server: FakeServer | null = null
  server = await startFakeServer({
    onCall: () => {
      void server?.stop()
      return 'silence'
    },
  })
  await assert.rejects(
    clientOf(t, [server], { limitMs: 500 }).call(get, {}),
    refusal('unknown-outcome', /could not be asked/),
  )
})

test('a server that accepts and never answers: the time is over, and the connection is given up', async (t) => {
  const server = await serve(t, { onCall: () => 'silence' })
  const client = clientOf(t, [server])
  await assert.rejects(
    client.call(once, {}, { limitMs: 100 }),
    refusal('unknown-outcome', /did not answer once within \d/),
  )
  await assert.rejects(client.call(once, {}, { limitMs: 100 }), HadoopError)
  assert.equal(server.connections, 2)

  const deaf = await serve(t, { onConnect: (socket) => socket.pause() })
  const login = { kind: 'token', token: { ...token } } as const
  await assert.rejects(
    clientOf(t, [deaf], { login, limitMs: 150, serverLimitMs: 100 }).call(once, {}),
    refusal('unreachable', /did not answer within/),
  )
})

test('an opening that takes its time: who waits for it can give up, or close the client', async (t) => {
  const deaf = await serve(t, { onConnect: (socket) => socket.pause() })
  const client = clientOf(t, [deaf], { login: { kind: 'token', token } })
  const patient = client.call(get, {})
  await assert.rejects(
    client.call(get, {}, { limitMs: 100 }),
    refusal('unreachable', /could not be connected to in time/),
  )
  const given = new AbortController()
  const other = client.call(get, {}, { signal: given.signal })
  given.abort()
  await assert.rejects(other, refusal('closed', /given up by its caller/))
  client.close()
  await assert.rejects(patient, refusal('closed', /was closed/))
  assert.equal(deaf.connections, 1)
})

test('one slow call does not end the others of its connection', async (t) => {
  const server = await serve(t, {
    onCall: ({ method }) => (method === 'once' ? 'silence' : fine('quick')),
  })
  const client = clientOf(t, [server])
  const slow = assert.rejects(client.call(once, {}, { limitMs: 200 }), /did not answer/)
  await client.call(get, {})
  await slow
  await client.call(get, {})
  assert.equal(server.connections, 1)
})

test('a caller who gives up, and a client that is closed', async (t) => {
  const server = await serve(t, { onCall: () => 'silence' })
  const client = clientOf(t, [server])
  const given = new AbortController()
  const call = client.call(get, {}, { signal: given.signal })
  await waitFor('the call', () => server.calls.length === 1)
  given.abort()
  await assert.rejects(call, refusal('closed', /given up/))
  const other = client.call(get, {})
  await waitFor('the other call', () => server.calls.length === 2)
  client.close()
  await assert.rejects(other, refusal('unknown-outcome', /the client was closed/))
  await assert.rejects(client.call(get, {}), refusal('closed', /closed/))
  await waitFor('the end of the connection', () => server.open === 0)
})

test('a connection that nobody uses is closed', async (t) => {
  const server = await serve(t, { onCall: () => fine('') })
  const client = clientOf(t, [server], { idleMs: 40 })
  await client.call(get, {})
  await waitFor('the end of the connection', () => server.open === 0)
  await client.call(get, {})
  assert.equal(server.connections, 2)
})

test('frames that are none end the connection, not the process', async (t) => {
  const raws = {
    'too long': Buffer.from('ffffffff00', 'hex'),
    empty: Buffer.from('00000000', 'hex'),
    garbage: Buffer.from('00000004deadbeef', 'hex'),
    'an answer of another kind': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    'a login out of turn': Buffer.from(
      '0000000b08df ffffff0f10000208 0000'.replaceAll(' ', ''),
      'hex',
    ),
  }
  for (const [name, raw] of Object.entries(raws)) {
    const server = await serve(t, { onCall: () => ({ raw }) })
    await assert.rejects(
      clientOf(t, [server]).call(once, {}),
      refusal('unknown-outcome', /./),
      name,
    )
    await waitFor('the end of the connection', () => server.open === 0)
  }
})

const token = {
  identifier: Buffer.from('id'),
  password: Buffer.from('password'),
  kind: 'T',
  service: '',
}
const auth = { method: 'TOKEN', mechanism: 'DIGEST-MD5', protocol: '', serverId: 'default' }

test('a server that offers less than is configured, or cannot prove itself, is not logged in to', async (t) => {
  const login = { kind: 'token', token } as const
  const offering = (qop: string) => ({
    onSasl: ({ state }: { readonly state: string }) =>
      state === 'NEGOTIATE'
        ? ({
            state: 'NEGOTIATE',
            auths: [
              {
                ...auth,
                challenge: Buffer.from(
                  `realm="default",nonce="n",qop="${qop}",charset=utf-8,algorithm=md5-sess`,
                ),
              },
            ],
          } as const)
        : ({ state: 'SUCCESS', token: Buffer.from('rspauth=00') } as const),
    onCall: () => fine('stolen'),
  })
  const weak = await serve(t, offering('auth'))
  await assert.rejects(
    clientOf(t, [weak], { login, protections: ['privacy'] }).call(get, {}),
    refusal('security', /offers auth, but the configured protection is privacy/),
  )
  const liar = await serve(t, offering('auth'))
  await assert.rejects(
    clientOf(t, [liar], { login }).call(get, {}),
    refusal('security', /does not know the password/),
  )
  const without = await serve(t, { onSasl: () => ({ state: 'SUCCESS' }), onCall: () => fine('x') })
  await assert.rejects(
    clientOf(t, [without], { login }).call(get, {}),
    refusal('protocol', /SUCCESS where it should not/),
  )
  assert.deepEqual(
    [weak, liar, without].map(({ calls }) => calls.length),
    [0, 0, 0],
  )
})

test('a server that names itself another service gets no ticket', async (t) => {
  const initiator: Initiator = {
    login: () => assert.fail('a ticket was asked for'),
    begin: () => assert.fail('a login was begun'),
    forget: () => undefined,
    close: () => undefined,
  }
  const login = { kind: 'kerberos', initiator } as const
  const named = async (protocol: string, serverId: string) => {
    const auths = [{ method: 'KERBEROS', mechanism: 'GSSAPI', protocol, serverId }]
    const server = await serve(t, { onSasl: () => ({ state: 'NEGOTIATE', auths }) })
    await assert.rejects(
      clientOf(t, [server], { login }).call(get, {}),
      refusal(
        'security',
        /says it is .*, but yarn.resourcemanager.principal wants yarn\/rm.example.org/,
      ),
    )
    assert.equal(server.sasl.length, 1)
  }
  await named('yarn', 'evil.example.org')
  await named('HTTP', 'rm.example.org')
  const weaker = await serve(t, {
    onSasl: () => ({ state: 'NEGOTIATE', auths: [{ method: 'SIMPLE', mechanism: '' }, auth] }),
  })
  await assert.rejects(
    clientOf(t, [weaker], { login }).call(get, {}),
    refusal('security', /does not offer KERBEROS but SIMPLE, TOKEN/),
  )
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import koffi from 'koffi'
import type { Kdc } from '../../test/support/kdc.ts'
import { type Acceptor, createAcceptor, createInitiator, type Initiator } from './index.ts'
import { handshake, startRealm } from './realm.fixture.ts'

const yarn = { service: 'yarn', host: 'localhost' }
let kdc: Kdc
let initiator: Initiator
let acceptor: Acceptor

before(async () => {
  kdc = await startRealm()
  await kdc.addPrincipals('HTTP/localhost', 'yarn/localhost', 'dask', 'alice')
  const keytab = await kdc.keytab('HTTP/localhost', 'yarn/localhost', 'alice', 'dask')
  initiator = createInitiator({ keytab, principal: 'dask' })
  acceptor = createAcceptor({ keytab, service: 'yarn@localhost' })
})
after(async () => {
  initiator.close()
  acceptor.close()
  await kdc.remove()
})

for (const mechanism of ['krb5', 'spnego'] as const) {
  test(`${mechanism}: both sides know each other, and protect messages`, async () => {
    const client = initiator.begin(yarn, { mechanism })
    const service = acceptor.begin()
    await handshake(client, service)

    const names = { initiator: 'dask@DASK.TEST', acceptor: 'yarn/localhost@DASK.TEST' }
    assert.deepEqual(client.names(), names)
    assert.deepEqual(service.names(), names)
    for (const confidential of [false, true]) {
      for (const text of ['', 'hello', 'x'.repeat(200_000)]) {
        const bytes = Buffer.from(text)
        const sent = client.wrap(bytes, confidential)
        if (text === 'hello') assert.equal(sent.includes(bytes), !confidential)
        assert.deepEqual(service.unwrap(sent), { bytes, confidential })
        assert.deepEqual(client.unwrap(service.wrap(bytes, confidential)), { bytes, confidential })
      }
    }
    client.close()
    service.close()
  })
}

test('a message that was changed, cut, repeated or comes out of order is refused', async () => {
  const client = initiator.begin(yarn)
  const service = acceptor.begin()
  await handshake(client, service)
  const refused = { name: 'KerberosError', reason: 'refused' }
  const [first, second, third] = ['one', 'two', 'three'].map((text) =>
    client.wrap(Buffer.from(text), true),
  )
  assert.ok(first !== undefined && second !== undefined && third !== undefined)

  const changed = Buffer.from(first)
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  assert.throws(() => service.unwrap(changed), refused)
  assert.throws(() => service.unwrap(first.subarray(0, 20)), refused)
  assert.throws(() => service.unwrap(Buffer.alloc(0)), refused)
  assert.equal(service.unwrap(first).bytes.toString(), 'one')
  assert.throws(() => service.unwrap(first), refused)
  assert.throws(() => service.unwrap(third), refused)
  assert.throws(() => service.unwrap(second), refused)
  client.close()
  service.close()
})

test('both sides must have the same channel bindings', async () => {
  const bound = { channelBindings: Buffer.from('tls-server-end-point:abc') }
  const other = { channelBindings: Buffer.from('tls-server-end-point:abd') }
  await handshake(initiator.begin(yarn, bound), acceptor.begin(bound))
  await assert.rejects(handshake(initiator.begin(yarn, bound), acceptor.begin(other)), {
    reason: 'refused',
    message: /channel bindings/i,
  })
})

test('what the contract does not allow is said, and crashes nothing', async () => {
  const misuse = { name: 'KerberosError', reason: 'misuse' }
  const client = initiator.begin(yarn)
  assert.throws(() => client.wrap(Buffer.from('x'), true), misuse)
  assert.throws(() => client.names(), misuse)
  const stepping = client.step(null)
  await assert.rejects(client.step(null), misuse)
  client.close()
  client.close()
  await stepping.catch(() => {})
  await assert.rejects(client.step(null), misuse)
  assert.throws(() => client.unwrap(Buffer.from('x')), misuse)
  await assert.rejects(acceptor.begin().step(null), misuse)
  for (const host of ['', 'a@b', 'a/b', 'a b', 'x'.repeat(300)])
    assert.throws(() => initiator.begin({ service: 'HTTP', host }), misuse)
})

test('what the library gives is given back: 20,000 handshakes take no memory', async () => {
  // Named in C, so its fields are in their order: all that malloc has given out is uordblks, the eighth.
  const names = ['arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks']
  const fields = [...names, 'fordblks', 'keepcost'].map((name) => [name, 'size_t'] as const)
  koffi.struct('mallinfo2', Object.fromEntries(fields))
  const mallinfo = koffi.load('libc.so.6').func('mallinfo2 mallinfo2()')
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const allocated = (): number => {
    collect()
    return Number(mallinfo().uordblks)
  }

  const some = async (count: number) => {
    for (let done = 0; done < count; done += 1) {
      const client = initiator.begin(yarn, { mechanism: done % 2 === 0 ? 'krb5' : 'spnego' })
      const service = acceptor.begin()
      await handshake(client, service)
      service.names()
      service.unwrap(client.wrap(Buffer.from('hello'), true))
      if (done % 10 === 0) await assert.rejects(acceptor.begin().step(Buffer.from('garbage')))
      client.close()
      service.close()
    }
  }
  await some(2_000)
  const before = allocated()
  await some(20_000)
  const perHandshake = (allocated() - before) / 20_000
  // Less than any name, buffer or context that could be forgotten.
  assert.ok(perHandshake < 64, `${perHandshake} bytes a handshake`)
})

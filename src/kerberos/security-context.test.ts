import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Kdc, startKdc } from '../../test/support/kdc.ts'
import { createAcceptor, createInitiator, type SecurityContext } from './index.ts'

let kdc: Kdc
let keytab: string

before(async () => {
  kdc = await startKdc()
  process.env.KRB5_CONFIG = kdc.configurationPath
  process.env.KRB5RCACHENAME = `file2:${kdc.folder}/replays`
  await kdc.addPrincipals('HTTP/localhost', 'yarn/localhost', 'dask', 'alice')
  keytab = await kdc.keytab('HTTP/localhost', 'yarn/localhost', 'dask', 'alice')
})
after(() => kdc.remove())

/** Tokens to and fro until both are done. */
async function handshake(client: SecurityContext, service: SecurityContext): Promise<void> {
  let forClient: Buffer | null = null
  for (let round = 0; round < 5; round += 1) {
    const { token, done } = await client.step(forClient)
    if (token === null) {
      assert.ok(done)
      return
    }
    const answer = await service.step(token)
    forClient = answer.token
    if (done && forClient === null) return
  }
  assert.fail('no end of tokens')
}

for (const mechanism of ['krb5', 'spnego'] as const) {
  test(`${mechanism}: both sides know each other, and protect messages`, async (t) => {
    const initiator = createInitiator({ keytab, principal: 'dask' })
    const acceptor = createAcceptor({ keytab, service: 'yarn@localhost' })
    t.after(() => initiator.close())
    t.after(() => acceptor.close())
    const client = initiator.begin({ service: 'yarn', host: 'localhost' }, { mechanism })
    const service = acceptor.begin()
    t.after(() => client.close())
    t.after(() => service.close())

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
    const changed = client.wrap(Buffer.from('hello'), false)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    assert.throws(() => service.unwrap(changed), { name: 'KerberosError', reason: 'refused' })
  })
}

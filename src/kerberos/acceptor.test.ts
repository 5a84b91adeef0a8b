import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { mutate, randomFrom } from '../../test/fuzz/mutate.ts'
import type { Kdc } from '../../test/support/kdc.ts'
import {
  type Acceptor,
  createAcceptor,
  createInitiator,
  type Initiator,
  KerberosError,
} from './index.ts'
import { startRealm } from './realm.fixture.ts'

const clockSkewSeconds = 3
let kdc: Kdc
let keytab: string
let initiator: Initiator
let acceptor: Acceptor

before(async () => {
  kdc = await startRealm({ clockSkewSeconds })
  await kdc.addPrincipals('HTTP/localhost', 'yarn/localhost', 'dask')
  keytab = await kdc.keytab('HTTP/localhost', 'yarn/localhost', 'dask')
  initiator = createInitiator({ keytab, principal: 'dask' })
  acceptor = createAcceptor({ keytab, service: 'HTTP' })
})
after(async () => {
  initiator.close()
  acceptor.close()
  await kdc.remove()
})

async function tokenFor(service: string, mechanism: 'krb5' | 'spnego' = 'krb5'): Promise<Buffer> {
  const context = initiator.begin({ service, host: 'localhost' }, { mechanism })
  const { token } = await context.step(null)
  context.close()
  assert.ok(token !== null)
  return token
}

async function accepted(token: Uint8Array, by = acceptor): Promise<string> {
  const context = by.begin()
  try {
    const { done } = await context.step(token)
    assert.ok(done)
    return context.names().initiator
  } finally {
    context.close()
  }
}

test('a token is good once, for the service that it is for, and for as long as clocks may differ', async () => {
  const refused = (message: string) => ({ reason: 'refused', message })
  const [first, second, wrong] = [
    await tokenFor('HTTP'),
    await tokenFor('HTTP', 'spnego'),
    await tokenFor('yarn'),
  ]
  const madeAt = Date.now()
  assert.equal(await accepted(first), 'dask@DASK.TEST')
  await assert.rejects(
    accepted(first),
    refused('The Kerberos token is refused: Request is a replay'),
  )
  await assert.rejects(
    accepted(wrong),
    refused("The Kerberos token is refused: The ticket isn't for us"),
  )
  await waitFor('the token to be old', () => Date.now() > madeAt + 1000 * (clockSkewSeconds + 2))
  const tooOld = refused('The Kerberos token is refused: Clock skew too great')
  await assert.rejects(accepted(second), tooOld)
})

test('a service may be named with its host, or as a principal', async () => {
  for (const service of ['HTTP@localhost', 'HTTP/localhost', 'HTTP/localhost@DASK.TEST']) {
    const named = createAcceptor({ keytab, service })
    await named.check()
    assert.equal(await accepted(await tokenFor('HTTP'), named), 'dask@DASK.TEST')
    named.close()
    await assert.rejects(named.check(), { reason: 'misuse' })
  }
})

test('what is wrong with the keytab is said at start and later, and over when it is mended', async () => {
  const message = (text: RegExp) => ({ reason: 'keytab', message: text })
  const bob = createAcceptor({ keytab, service: 'bob' })
  await assert.rejects(bob.check(), message(/has no key of bob; it has those of HTTP\/localhost@/))
  const away = `${keytab}.away`
  await rename(keytab, away)
  await assert.rejects(createAcceptor({ keytab, service: 'HTTP' }).check(), message(/ENOENT/))
  const token = await tokenFor('HTTP')
  await assert.rejects(accepted(token), message(/cannot be read: ENOENT/))
  await writeFile(keytab, 'hello')
  await assert.rejects(accepted(token), message(/is no keytab/))
  await rename(away, keytab)
  assert.equal(await accepted(token), 'dask@DASK.TEST')
})

test('2,000 mutated tokens: none is taken for another, and nothing breaks', async () => {
  const random = randomFrom(1)
  for (let count = 0; count < 2_000; count += 1) {
    const token = await tokenFor('HTTP', count % 2 === 0 ? 'krb5' : 'spnego')
    try {
      // What nobody looks at may be changed: the token is good then, and still dask's.
      assert.equal(await accepted(mutate(token, random)), 'dask@DASK.TEST')
    } catch (error) {
      const isNotDone =
        error instanceof assert.AssertionError && error.message.includes('assert.ok(done)')
      assert.ok(
        isNotDone || (error instanceof KerberosError && error.reason === 'refused'),
        `${error}`,
      )
    }
  }
})

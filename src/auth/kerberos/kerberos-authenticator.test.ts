import assert from 'node:assert/strict'
import { chmod, rename } from 'node:fs/promises'
import { after, test } from 'node:test'
import { testAuthenticator } from '../../../test/contracts/authenticator.ts'
import { startKdc } from '../../../test/support/kdc.ts'
import type { AuthResult, LogFields, Logger } from '../../core/index.ts'
import { createInitiator } from '../../kerberos/index.ts'
import { createKerberosAuthenticator, type KerberosSettings } from './index.ts'

const kdc = await startKdc()
const other = await startKdc({ realm: 'OTHER.TEST' })
after(() => Promise.all([kdc.remove(), other.remove()]))
process.env.KRB5_CONFIG = kdc.configurationPath
process.env.KRB5RCACHENAME = `file2:${kdc.folder}/replays`
await kdc.addPrincipals('HTTP/localhost', 'dask/localhost', 'dask', 'alice', 'alice/admin')
await other.addPrincipals('alice', 'HTTP/localhost')
await kdc.trust(other)
// As the Hadoop guide makes it: one for the gateway's own logins and for HTTP.
const keytab = await kdc.keytab('dask', 'dask/localhost', 'HTTP/localhost')
const people = await kdc.keytab('alice', 'alice/admin')
const strangers = await other.keytab('alice')

async function header(
  principal: string,
  { service = 'HTTP', from = people }: { service?: string; from?: string } = {},
): Promise<string> {
  const initiator = createInitiator({ keytab: from, principal })
  const context = initiator.begin({ service, host: 'localhost' }, { mechanism: 'spnego' })
  const { token } = await context.step(null)
  context.close()
  initiator.close()
  return `Negotiate ${token?.toString('base64')}`
}

const lines: { readonly message: string; readonly fields: LogFields | undefined }[] = []
const write = (message: string, fields?: LogFields) => void lines.push({ message, fields })
const logger: Logger = { debug: write, info: write, warn: write, error: write, with: () => logger }
const create = (settings: Partial<KerberosSettings> = {}) =>
  createKerberosAuthenticator(
    { service_name: 'HTTP', keytab, realms: null, auth_to_local: null, ...settings },
    logger,
  )

/** What one gateway with these settings makes of these headers, in their order. */
async function judged(
  settings: Partial<KerberosSettings>,
  ...headers: readonly string[]
): Promise<readonly string[]> {
  const it = create(settings)
  await it.start()
  try {
    const results: string[] = []
    for (const authorization of headers) {
      const result = await it.authenticate({ authorization, address: '192.0.2.7' })
      results.push(result.outcome === 'accepted' ? result.user.name : result.reason)
    }
    return results
  } finally {
    await it.stop()
  }
}

const garbage = (bytes: Buffer) => `Negotiate ${bytes.toString('base64')}`
testAuthenticator('kerberos', {
  create,
  good: { authorization: await header('alice'), username: 'alice' },
  bad: [
    'Negotiate !!!!',
    garbage(Buffer.from('garbage')),
    garbage(Buffer.from('NTLMSSP\0\x01\0\0\0')),
    garbage(Buffer.alloc(40_000, 0x60)),
    garbage(Buffer.alloc(100_000, 0x60)),
    (await header('alice')).slice(0, 400),
    await header('alice', { service: 'dask' }),
    await header('alice/admin'),
  ],
})

test('the reply proves the gateway to its client', async () => {
  const it = create()
  await it.start()
  const initiator = createInitiator({ keytab: people, principal: 'alice' })
  const context = initiator.begin({ service: 'HTTP', host: 'localhost' }, { mechanism: 'spnego' })
  const { token } = await context.step(null)
  const authorization = `negotiate   ${token?.toString('base64')}`
  const result: AuthResult = await it.authenticate({ authorization, address: '192.0.2.7' })
  assert.ok(result.outcome === 'accepted')
  const reply = /^Negotiate (\S+)$/.exec(result.replyHeaders?.['www-authenticate'] ?? '')
  assert.equal((await context.step(Buffer.from(reply?.[1] ?? '', 'base64'))).done, true)
  initiator.close()
  await it.stop()
})

test('a header is good once', async () => {
  const again = await header('alice')
  const replay = 'The Kerberos token is refused: Request is a replay'
  assert.deepEqual(await judged({}, again, again, again), ['alice', replay, replay])
})

test('users of another realm, and principals with an instance, are nobody unless a rule says who', async () => {
  const stranger = () => header('alice@OTHER.TEST', { from: strangers })
  const admin = () => header('alice/admin')
  const [noStranger, noAdmin] = ['alice@OTHER.TEST', 'alice/admin@DASK.TEST'].map(
    (name) => `${name} is no user of this gateway`,
  )
  assert.deepEqual(await judged({}, await stranger(), await admin()), [noStranger, noAdmin])
  const both = ['DASK.TEST', 'OTHER.TEST']
  assert.deepEqual(await judged({ realms: both }, await stranger(), await admin()), [
    'alice',
    noAdmin,
  ])
  const rules = ['RULE:[1:$1@$0](.*@OTHER.TEST)s/@.*/-other/', 'RULE:[2:$1_$2]']
  const headers = [await stranger(), await admin(), await header('alice')]
  assert.deepEqual(await judged({ realms: both, auth_to_local: rules }, ...headers), [
    'alice-other',
    'alice_admin',
    'alice@DASK.TEST is no user of this gateway',
  ])
  // Rules give no other realm's users a way in, nor names that could mean something else.
  assert.deepEqual(await judged({ auth_to_local: rules }, await stranger()), [noStranger])
  assert.deepEqual(await judged({ auth_to_local: ['RULE:[2:$1/$2]'] }, await admin()), [noAdmin])
})

test('a start says what is wrong with the keytab', async () => {
  const refused = (message: RegExp) => ({ code: 'configuration', message })
  await assert.rejects(
    create({ keytab: '/nonexistent/k' }).start(),
    refused(/^KerberosAuthenticator.keytab and service_name: The keytab \/nonexistent\/k cannot/),
  )
  await assert.rejects(create({ keytab: people }).start(), refused(/has no key of HTTP; it has/))
  const two = await kdc.keytab('HTTP/localhost')
  await other.addTo(two, 'HTTP/localhost')
  await assert.rejects(
    create({ keytab: two }).start(),
    refused(/realms must say whose users may come: .* in the realms DASK.TEST, OTHER.TEST$/),
  )
  await chmod(two, 0o644)
  assert.deepEqual(await judged({ keytab: two, realms: ['DASK.TEST'] }, await header('alice')), [
    'alice',
  ])
  assert.ok(lines.some(({ message }) => message.includes(`chmod 400 ${two}`)))
})

test('a keytab that is gone while the gateway runs is no fault of the user', async () => {
  const it = create()
  await it.start()
  await rename(keytab, `${keytab}.away`)
  const authorization = await header('alice')
  await assert.rejects(it.authenticate({ authorization, address: '192.0.2.7' }), {
    code: 'unavailable',
  })
  assert.match(lines.at(-1)?.message ?? '', /^No Kerberos ticket can be checked: .* ENOENT/)
  await rename(`${keytab}.away`, keytab)
  const result = await it.authenticate({ authorization, address: '192.0.2.7' })
  assert.equal(result.outcome, 'accepted')
  await it.stop()
})

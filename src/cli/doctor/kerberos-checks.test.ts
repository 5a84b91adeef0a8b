import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startKdc } from '../../../test/support/kdc.ts'
import type { Configuration } from '../../config/index.ts'
import { createCheckup } from './checkup.ts'
import { checkKerberos } from './kerberos-checks.ts'

const kdc = await startKdc()
after(() => kdc.remove())
process.env.KRB5_CONFIG = kdc.configurationPath
process.env.KRB5RCACHENAME = `file2:${kdc.folder}/replays`
await kdc.addPrincipals('HTTP/localhost', 'dask')
const keytab = await kdc.keytab('dask', 'HTTP/localhost')

/** Each finding as "name result: sentence". */
async function findings(
  options: {
    readonly keytab?: string
    readonly publicHost?: string
    readonly authenticator?: string
  } = {},
): Promise<readonly string[]> {
  const { authenticator: name = 'KerberosAuthenticator', publicHost = null } = options
  // All of a configuration that these checks look at.
  const configuration = {
    authenticatorClass: { name },
    get: () => ({ keytab: options.keytab ?? keytab, service_name: 'HTTP' }),
  } as unknown as Configuration
  const checkup = createCheckup({ checkMs: 60_000, totalMs: 60_000 })
  await checkKerberos(checkup, configuration, publicHost)
  return checkup.findings.map((found) => `${found.name} ${found.result}: ${found.sentence}`)
}

const has = `${keytab} has the keys of HTTP/localhost@DASK.TEST`
const got =
  "ticket ok: A ticket for HTTP/localhost@DASK.TEST was got from the KDC, and accepted by the keytab's key"

test('the keytab and the way to the KDC are looked at, if users log in by Kerberos', async () => {
  assert.deepEqual(await findings(), [`keytab ok: ${has}`, got])
  assert.deepEqual(await findings({ publicHost: 'localhost' }), [`keytab ok: ${has}`, got])
  assert.deepEqual(await findings({ authenticator: 'SimpleAuthenticator' }), [])
})

test('a keytab without the name by which users come is told', async () => {
  const [first] = await findings({ publicHost: 'dask.example.org' })
  assert.equal(first, `keytab warning: ${has}, and none for dask.example.org, by which users come`)
})

test('a keytab that cannot be read ends it', async () => {
  const found = await findings({ keytab: '/nonexistent/k' })
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^keytab failed: The keytab \/nonexistent\/k cannot be read: ENOENT/)
})

test('a KDC that is off, and a key that was changed, are told apart', async () => {
  await kdc.stop()
  const off = (await findings())[1]
  await kdc.startAgain()
  assert.match(off ?? '', /^ticket failed: No ticket for .*: Cannot contact any KDC for requested/)
  await kdc.newKeys('HTTP/localhost')
  assert.match((await findings())[1] ?? '', /^ticket warning: No ticket for HTTP\/localhost@.*/)
})

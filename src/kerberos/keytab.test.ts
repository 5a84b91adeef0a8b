import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { mutate, randomFrom } from '../../test/fuzz/mutate.ts'
import { type Kdc, startKdc } from '../../test/support/kdc.ts'
import { isMeant, KerberosError, readKeytab } from './index.ts'
import { parseKeytab } from './keytab.ts'

let kdc: Kdc
let keytab: string

before(async () => {
  kdc = await startKdc()
  await kdc.addPrincipals('HTTP/localhost', 'dask')
  keytab = await kdc.keytab('HTTP/localhost', 'dask')
})
after(() => kdc.remove())

test("a real keytab's principals are read, two keys each", async () => {
  const http = {
    components: ['HTTP', 'localhost'],
    realm: 'DASK.TEST',
    principal: 'HTTP/localhost@DASK.TEST',
    version: 1,
  }
  const dask = { ...http, components: ['dask'], principal: 'dask@DASK.TEST' }
  assert.deepEqual(await readKeytab(keytab), [http, http, dask, dask])
})

test('an empty keytab has no principals; holes are passed over', () => {
  assert.deepEqual(parseKeytab(Buffer.from([5, 2]), 'k'), [])
  assert.deepEqual(parseKeytab(Buffer.from([5, 2, 0xff, 0xff, 0xff, 0xfe, 1, 2]), 'k'), [])
})

test('damaged files are refused in words, and never anything else', async () => {
  assert.throws(() => parseKeytab(Buffer.from([5, 1]), 'k'), { reason: 'keytab' })
  const damaged = Buffer.from([5, 2, 0, 0, 0, 9, 0, 2, 0xff, 0xff])
  assert.throws(() => parseKeytab(damaged, 'k'), { message: 'The keytab k is damaged' })
  const bytes = await readFile(keytab)
  const random = randomFrom(1)
  for (let count = 0; count < 5_000; count += 1) {
    try {
      parseKeytab(mutate(bytes, random), 'k')
    } catch (error) {
      assert.ok(error instanceof KerberosError, String(error))
    }
  }
})

test('names that may mean a principal', () => {
  const http = 'HTTP/localhost@DASK.TEST'
  for (const wanted of ['HTTP', 'HTTP@localhost', 'HTTP/localhost', http])
    assert.ok(isMeant(http, wanted), wanted)
  for (const wanted of ['http', 'HTTP@other', 'localhost', 'HTTP/localhost@OTHER.TEST', ''])
    assert.ok(!isMeant(http, wanted), wanted)
  assert.ok(isMeant('dask@DASK.TEST', 'dask'))
})

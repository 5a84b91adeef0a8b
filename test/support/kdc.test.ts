import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startKdc } from './kdc.ts'

const run = promisify(execFile)

test('a realm gives tickets, also to the users of one it trusts, and leaves nothing', async (t) => {
  const kdc = await startKdc()
  t.after(kdc.remove)
  const other = await startKdc({ realm: 'OTHER.TEST', ticketLifeSeconds: 60 })
  t.after(other.remove)
  await kdc.addPrincipals('HTTP/localhost')
  await other.addPrincipals('user')
  await kdc.trust(other)

  const cache = await other.ticket(await other.keytab('user'), 'user')
  const env = { ...process.env, KRB5_CONFIG: other.configurationPath, KRB5CCNAME: cache }
  const ask = () => run('kvno', ['HTTP/localhost@DASK.TEST'], { env, timeout: 60_000 })
  assert.match((await ask()).stdout, /kvno = 1/)
  await assert.rejects(kdc.keytab('nobody'), /Principal nobody does not exist/)

  await kdc.remove()
  assert.ok(!existsSync(kdc.folder))
})

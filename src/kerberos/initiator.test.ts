import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { waitFor } from '../../test/fakes/wait-for.ts'
import type { Kdc } from '../../test/support/kdc.ts'
import { execute } from '../../test/support/machine.ts'
import { createAcceptor, createInitiator, type Initiator, type InitiatorOptions } from './index.ts'
import { handshake, startRealm } from './realm.fixture.ts'
import { startSkewedKdc } from './skewed-kdc.fixture.ts'

const http = { service: 'HTTP', host: 'localhost' }
const ticketLifeMs = 10_000
let kdc: Kdc
let keytab: string

before(async () => {
  kdc = await startRealm({ ticketLifeSeconds: ticketLifeMs / 1000 })
  await kdc.addPrincipals('HTTP/localhost', 'yarn/localhost', 'dask', 'alice')
  keytab = await kdc.keytab('HTTP/localhost', 'alice', 'dask')
})
after(() => kdc.remove())

function initiatorFor(
  t: { after: (end: () => void) => void },
  options?: Partial<InitiatorOptions>,
) {
  const initiator = createInitiator({ keytab, principal: 'dask', ...options })
  t.after(() => initiator.close())
  return initiator
}

async function clientName(initiator: Initiator): Promise<string> {
  const acceptor = createAcceptor({ keytab, service: 'HTTP' })
  const client = initiator.begin(http)
  const service = acceptor.begin()
  await handshake(client, service)
  const { initiator: name } = service.names()
  client.close()
  service.close()
  acceptor.close()
  return name
}

test('each principal of a keytab can log in; a bare name is one of the default realm', async (t) => {
  for (const [principal, name] of [
    ['dask', 'dask@DASK.TEST'],
    ['alice@DASK.TEST', 'alice@DASK.TEST'],
    ['HTTP/localhost', 'HTTP/localhost@DASK.TEST'],
  ] as const)
    assert.equal(await clientName(initiatorFor(t, { principal })), name)
})

test('what is wrong with the keytab, the name or the target is said', async (t) => {
  const bad = `${kdc.folder}/bad`
  await writeFile(bad, 'hello')
  for (const [options, message] of [
    [{ keytab: '/nonexistent/k' }, /^The keytab \/nonexistent\/k cannot be read: ENOENT/],
    [{ keytab: bad }, /bad is no keytab: it does not begin with 05 02$/],
    [{ principal: 'bob' }, /has no key of bob; it has those of HTTP\/localhost@DASK.TEST, alice@/],
    [{ principal: 'dask@ELSEWHERE.TEST' }, /has no key of dask@ELSEWHERE.TEST; /],
  ] as const)
    await assert.rejects(initiatorFor(t, options).login(), { reason: 'keytab', message })
  const nowhere = initiatorFor(t).begin({ service: 'HTTP', host: 'nowhere.test' })
  await assert.rejects(nowhere.step(null), {
    reason: 'refused',
    message: 'dask cannot log in to HTTP@nowhere.test: Server not found in Kerberos database',
  })
})

test('a KDC that is off is named as what fails, and found again', async (t) => {
  const initiator = initiatorFor(t)
  await kdc.stop()
  await assert.rejects(initiator.login(), {
    reason: 'unavailable',
    message: /^No ticket for dask by the keytab .*: Cannot contact any KDC for requested realm$/,
  })
  await kdc.startAgain()
  assert.equal(await clientName(initiator), 'dask@DASK.TEST')
})

test('a clock that differs too much is named', async (t) => {
  const [, port] =
    /kdc = 127\.0\.0\.1:(\d+)/.exec(await readFile(kdc.configurationPath, 'utf8')) ?? []
  await kdc.stop()
  const skewed = await startSkewedKdc(Number(port))
  await assert.rejects(initiatorFor(t).login(), {
    reason: 'refused',
    message: /^No ticket for dask by the keytab .*: Clock skew too great \(the clocks .* NTP/,
  })
  await skewed.close()
  await kdc.startAgain()
})

test('a ticket is renewed at half of its life, and its keytab read anew', async (t) => {
  const initiator = initiatorFor(t)
  const first = await initiator.login()
  assert.ok(first.expiresAtMs <= Date.now() + ticketLifeMs)
  assert.deepEqual(await initiator.login(), first)
  await waitFor(
    'a new ticket',
    async () => (await initiator.login()).expiresAtMs > first.expiresAtMs,
  )
  assert.ok(Date.now() < first.expiresAtMs, 'it was renewed only after its end')

  await rename(keytab, `${keytab}.away`)
  t.after(() => rename(`${keytab}.away`, keytab))
  await initiator.login()
  initiator.forget()
  await assert.rejects(initiator.login(), { reason: 'keytab', message: /ENOENT/ })
})

test('while the KDC hangs, those who have tickets go on, and the process does', async (t) => {
  const initiator = initiatorFor(t)
  await initiator.login()
  const renewalIsDueMs = Date.now() + ticketLifeMs / 2
  assert.equal(await clientName(initiator), 'dask@DASK.TEST')
  await kdc.hang()
  t.after(() => kdc.goOn())

  const tooLate = { reason: 'unavailable', message: /^The KDC did not answer within 0.2 s/ }
  const others = Array.from({ length: 6 }, () => initiatorFor(t, { limitMs: 200 }))
  await Promise.all(others.map((other) => assert.rejects(other.login(), tooLate)))
  await assert.rejects(initiatorFor(t, { limitMs: 200 }).begin(http).step(null), {
    reason: 'unavailable',
    message: 'dask cannot log in to HTTP@localhost: the KDC did not answer within 0.2 s',
  })
  // Threads of the same pool as the library's calls.
  await Promise.all([readFile(keytab), lookup('localhost'), readFile(keytab)])
  await waitFor('the time of renewal', async () => {
    assert.equal(await clientName(initiator), 'dask@DASK.TEST')
    return Date.now() > renewalIsDueMs + 200
  })

  await kdc.goOn()
  await waitFor('the KDC', () => others[0]?.login().catch(() => null))
})

test('while the KDC hangs, a process can end', async (t) => {
  await kdc.hang()
  t.after(() => kdc.goOn())
  const begun = performance.now()
  const fixture = join(import.meta.dirname, 'log-in-and-exit.fixture.ts')
  const { status, stdout } = await execute([process.execPath, fixture, keytab], {})
  assert.match(stdout, /^The KDC did not answer within 0.2 s/)
  assert.equal(status, 3)
  assert.ok(performance.now() - begun < 8000)
})

test('a ticket may be forgotten at any moment', async (t) => {
  const initiator = initiatorFor(t)
  const all = Array.from({ length: 200 }, (_, index) => {
    if (index % 3 === 0) initiator.forget()
    return clientName(initiator)
  })
  initiator.forget()
  assert.deepEqual([...new Set(await Promise.all(all))], ['dask@DASK.TEST'])
  const late = clientName(initiator)
  initiator.close()
  await assert.rejects(late, { reason: 'misuse' })
})

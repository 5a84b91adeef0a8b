import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { createInitiator } from '../../src/kerberos/index.ts'
import { startOwnBrowser } from '../browser.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { type Kdc, startKdc } from '../support/kdc.ts'
import {
  ask,
  freePort,
  keepLog,
  makeDirectory,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { runPython } from './run-python.ts'

// A real KDC, the gateway with a keytab as the Hadoop guide makes it, and those who come with a ticket: the unmodified Python
// client, curl, a browser.

const run = promisify(execFile)
const directory = workingDirectory('kerberos')
// The client's module, and nothing else of the system's Python.
const modules = join(directory.path, 'modules')
let kdc: Kdc
let gateway: RunningGateway
let address: string
let people: string
let client: NodeJS.ProcessEnv

before(async () => {
  kdc = await startKdc()
  await kdc.addPrincipals('dask', 'HTTP/localhost', 'alice', 'alice/admin')
  people = await kdc.keytab('alice', 'alice/admin')
  client = { KRB5_CONFIG: kdc.configurationPath, KRB5CCNAME: await kdc.ticket(people, 'alice') }
  process.env.KRB5_CONFIG = kdc.configurationPath

  const find = 'import kerberos; print(kerberos.__file__, end="")'
  const { stdout: module } = await run('/usr/bin/python3', ['-c', find])
  mkdirSync(modules)
  symlinkSync(module, join(modules, basename(module)))

  // The KDC's folder is closed to the gateway's account.
  const krb5 = join(directory.path, 'krb5')
  makeDirectory(krb5)
  copyFileSync(kdc.configurationPath, join(krb5, 'krb5.conf'))
  const keytab = join(krb5, 'dask.keytab')
  copyFileSync(await kdc.keytab('dask', 'HTTP/localhost'), keytab)
  await run('chown', ['--reference', krb5, keytab])
  const port = await freePort()
  address = `http://localhost:${port}`
  gateway = await startGateway({
    ...{ directory: directory.path, port },
    env: {
      KRB5_CONFIG: join(krb5, 'krb5.conf'),
      KRB5RCACHENAME: `file2:${join(krb5, 'replays')}`,
    },
    config: `
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.KerberosAuthenticator"
c.KerberosAuthenticator.keytab = "${keytab}"
`,
  })
})
after(async () => {
  keepLog('kerberos', gateway.log())
  assert.equal(await gateway.stop(), 0)
  await kdc.remove()
  directory.remove()
})

/** A header that a client of this principal would send. */
async function header(principal: string): Promise<string> {
  const initiator = createInitiator({ keytab: people, principal })
  const context = initiator.begin({ service: 'HTTP', host: 'localhost' }, { mechanism: 'spnego' })
  const { token } = await context.step(null)
  context.close()
  initiator.close()
  return `Negotiate ${token?.toString('base64')}`
}

const clusters = () => `${address}/api/v1/clusters/`

test("the guide's last section, word for word, with a ticket of alice", async () => {
  const program = `
import os
from dask_gateway import Gateway
try:
    # The first answer to a ticket is an error, and it is believed.
    Gateway(os.environ['ADDRESS'], auth="kerberos").get_cluster("nothing")
except ValueError as error:
    assert "nothing" in str(error), error
gateway = Gateway(os.environ['ADDRESS'], auth="kerberos")
assert gateway.list_clusters() == []
cluster = gateway.new_cluster()
cluster.scale(1)
client = cluster.get_client()
assert client.submit(sum, [1, 2]).result(60) == 3
client.close()
cluster.shutdown()
assert gateway.list_clusters() == []
`
  await runPython(program, address, { ...client, PYTHONPATH: modules }).ended
})

test('without a ticket the Python client gets nothing', async () => {
  const program = `
import os
from dask_gateway import Gateway
Gateway(os.environ['ADDRESS'], auth="kerberos").list_clusters()
`
  const none = { ...client, KRB5CCNAME: `FILE:${directory.path}/none`, PYTHONPATH: modules }
  await assert.rejects(runPython(program, address, none).ended, /GSSError/)
})

test('curl --negotiate checks who answers, and gets a session', async () => {
  const words = ['--negotiate', '-u', ':', '-sS', '-D', '-', '--max-time', '60', clusters()]
  const { stdout } = await run('curl', words, { env: { ...process.env, ...client } })
  assert.match(stdout, /^HTTP\/1.1 200 OK\r\n(?:.*\r\n)*www-authenticate: Negotiate \S{100,}\r\n/i)
  assert.match(stdout, /^set-cookie: dask-gateway-/im)
})

test('the command logs in by the ticket, and keeps nothing secret', async () => {
  const config = join(directory.path, 'command')
  const command = async (env: NodeJS.ProcessEnv, ...words: readonly string[]) => {
    const how = { env: { ...process.env, ...env, XDG_CONFIG_HOME: config }, timeout: 60_000 }
    return await run(join(root, 'bin/dask-gateway'), [...words], how).then(
      ({ stdout }) => ({ status: 0, text: stdout }),
      ({ code, stderr }) => ({ status: code as number, text: String(stderr) }),
    )
  }
  const login = await command(client, 'login', '--kerberos', '--address', address)
  assert.match(login.text, /^You are alice at http:/)
  const kept = readFileSync(join(config, 'dask-gateway/logins.json'), 'utf8')
  assert.deepEqual(JSON.parse(kept).logins, { [address]: { kerberos: true } })
  assert.match((await command(client, 'whoami')).text, /^You are alice at http:/)
  assert.equal((await command(client, 'stop', '0'.repeat(32))).status, 4)

  const none = { ...client, KRB5CCNAME: `FILE:${directory.path}/none` }
  const refused = await command(none, 'ls')
  assert.equal(refused.status, 3)
  assert.match(refused.text, /No login to HTTP@localhost .*kinit gets a ticket\)$/m)

  // Somebody else at the address, who lets everybody in.
  const other = createServer((_, response) => response.end('{"name":"alice","groups":[]}'))
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const { port } = other.address() as AddressInfo
  const place = `http://localhost:${port}`
  const fooled = await command(client, 'login', '--kerberos', '--address', place)
  other.close()
  assert.equal(fooled.status, 1)
  assert.match(fooled.text, /localhost does not prove by Kerberos who it is/)
})

test('headers that are old, changed, or of nobody get a 401 that says why, a line in the log, and nothing else', async () => {
  const post = (authorization: string) =>
    ask(clusters(), { method: 'POST', headers: { authorization }, body: '{}' })
  const used = await header('alice')
  const first = await ask(clusters(), { headers: { authorization: used } })
  assert.equal(first.status, 200)
  for (const [authorization, reason] of [
    [used, 'The Kerberos token is refused: Request is a replay'],
    [(await header('alice')).slice(0, -80), 'The Kerberos token is refused: '],
    [await header('alice/admin'), 'alice/admin@DASK.TEST is no user of this gateway'],
    [`Negotiate ${'A'.repeat(24_000)}`, 'The Kerberos token is refused: '],
    ['Negotiate TlRMTVNTUAABAAAA', 'This is a token of NTLM, not of Kerberos: '],
    ['Negotiate', 'The Authorization header is malformed: '],
    ['Basic YWxpY2U6', 'This gateway takes an Authorization header of the kind "Negotiate"'],
  ] as const) {
    const { status, headers, text } = await post(authorization)
    assert.equal(status, 401, reason)
    assert.equal(headers['www-authenticate'], 'Negotiate')
    assert.equal(headers['set-cookie'], undefined)
    assert.ok((JSON.parse(text) as { error: string }).error.startsWith(reason), text)
    const line = reason.replaceAll('"', '\\"')
    await waitFor(`a line in the log with ${line}`, () => gateway.log().includes(line))
  }
  const { text } = await ask(clusters(), { headers: { authorization: await header('alice') } })
  assert.equal(text, '{}')
})

test('a browser that may use the ticket here logs in by one click, and out', async (t) => {
  const browser = await startOwnBrowser(join(directory.path, 'profile'), {
    arguments: ['--auth-server-allowlist=localhost'],
    env: client,
  })
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.goto(`${address}/`)
  // On Linux, Chromium loads the library for tickets after the first challenge that it ever sees, so that one has no answer.
  const home = page.getByText('alice', { exact: true })
  const again = page.getByRole('link', { name: 'Try again' })
  await waitFor('the home page', async () => {
    await page.getByRole('link', { name: 'Log in with Kerberos' }).click()
    await home.or(again).waitFor()
    if (await home.isVisible()) return true
    await again.click()
    return false
  })
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('link', { name: 'Log in with Kerberos' }).waitFor()
})

test('a browser that may not is told what to do', async (t) => {
  const own = { arguments: [], env: client }
  const browser = await startOwnBrowser(join(directory.path, 'other-profile'), own)
  t.after(() => browser.close())
  const page = await browser.newPage()
  const answer = await page.goto(`${address}/login/start?next=/clusters/x/status`)
  assert.equal(answer?.status(), 401)
  await page.getByText('Your browser sent no Kerberos ticket').waitFor()
  await page.getByRole('link', { name: 'Try again' }).click()
  assert.equal(new URL(page.url()).search, '?next=%2Fclusters%2Fx%2Fstatus')
})

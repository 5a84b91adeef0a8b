import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import bcrypt from 'bcryptjs'
import { bearer, createGatewayClient } from '../../client/src/index.ts'
import { workingDirectory } from '../e2e/harness.ts'
import { runPython } from '../e2e/run-python.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { homeOf, password, peopleGateway } from './people.ts'

const folder = workingDirectory('users')
after(() => folder.remove())
const users = join(folder.path, 'users')
const hash = bcrypt.hashSync(password, 5)
writeUsers('alice', 'boss', 'bob', 'stranger')

const it = await peopleGateway(`
c.SimpleAuthenticator.password = None
c.SimpleAuthenticator.htpasswd_file = "${users}"
c.SimpleAuthenticator.allowed_users = ["alice", "bob", "carol"]
`)
const alice = it.clientOf('alice')
const withToken = (secret: string) =>
  createGatewayClient({ address: it.address, auth: bearer(secret) })

function writeUsers(...names: readonly string[]): void {
  writeFileSync(`${users}.new`, names.map((name) => `${name}:${hash}\n`).join(''))
  renameSync(`${users}.new`, users)
}

const life = `
import os
from dask_gateway import BasicAuth, Gateway, JupyterHubAuth

token = os.environ["TOKEN"]
with Gateway(os.environ["ADDRESS"], auth=JupyterHubAuth(api_token=token)) as hub:
    name = hub.submit()
with Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice", token)) as gateway:
    with gateway.connect(name, shutdown_on_close=True) as cluster:
        cluster.scale(1)
        with cluster.get_client() as client:
            print(client.submit(sum, [1, 2]).result(timeout=60))
        print([each.name for each in gateway.list_clusters()] == [name])
`

const looks = `
import os
from dask_gateway import BasicAuth, Gateway

def tried(what):
    try:
        what()
    except Exception as error:
        print(type(error).__name__, error)

token = os.environ["TOKEN"]
with Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice", token)) as gateway:
    name = gateway.list_clusters()[0].name
    print(name)
    tried(gateway.submit)
    tried(lambda: gateway.sync(gateway._cluster_report, name))
    tried(lambda: gateway.stop_cluster(name))
with Gateway(os.environ["ADDRESS"], auth=BasicAuth("bob", token)) as other:
    tried(other.list_clusters)
`

test('the Python client computes with a token in place of a password and as a JupyterHub has them', async () => {
  const { secret } = await alice.createToken({ name: 'python', scope: 'manage' })
  const output = await runPython(life, it.address, { TOKEN: secret }).ended
  assert.equal(output, '3\nTrue\n')
  const [token] = await alice.tokens()
  assert.ok(Date.now() - (token?.last_used_at ?? 0) < 120_000)
})

test('a token to read shows the Python client what there is, and changes nothing', async () => {
  const name = await alice.create()
  await alice.waitUntilRunning(name, { signal: AbortSignal.timeout(60_000) })
  const { secret } = await alice.createToken({ name: 'reader', scope: 'read' })
  const lines = (await runPython(looks, it.address, { TOKEN: secret }).ended).split('\n')
  assert.equal(lines[0], name)
  const refused = /The scope of the token "reader" is "read"; this needs "manage"/
  for (const line of lines.slice(1, 4)) assert.match(line, refused)
  assert.match(lines[4] ?? '', /This token is not one of the user whose name came with it/)
  const dashboard = `${it.address}/clusters/${name}/status`
  const seen = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(dashboard, { headers, redirect: 'manual' })).status
  }
  assert.equal(await seen(secret), 403)
  const manage = await alice.createToken({ name: 'dashboards', scope: 'manage' })
  assert.ok([200, 302, 307].includes(await seen(manage.secret)))
  assert.equal((await alice.cluster(name)).status, 'RUNNING')
  await alice.stop(name)
})

test('the command makes, lists and revokes them, and logs in by one', async () => {
  const home = homeOf(it.address)
  assert.equal((await home.login('alice')).status, 0)
  const made = await home.run(['token', 'create', 'for a script', '-s', 'read', '-e', '12h'])
  assert.equal(made.status, 0, made.stderr)
  assert.match(made.stdout, /^dgt_[\w-]{43}\n$/)
  assert.match(made.stderr, /may read; it expires 20.*Nobody can show it again/)
  const listed = await home.run(['token', 'ls'])
  assert.match(listed.stdout, /^[0-9a-f]{16} {2}for a script {2}read +20\S+ \S+Z {2}never$/m)
  const again = await home.run(['token', 'create', 'for a script'])
  assert.deepEqual([again.status, again.stdout], [5, ''])
  for (const words of [
    ['-s', 'write'],
    ['-e', '12'],
    ['-e', '0d'],
  ])
    assert.equal((await home.run(['token', 'create', 'x', ...words])).status, 2)

  const script = homeOf(it.address)
  assert.equal((await script.run(['login', '--token'], made.stdout)).status, 0)
  assert.match((await script.run(['whoami'])).stdout, /^You are alice at /)
  const wider = await script.run(['token', 'create', 'more', '-s', 'manage'])
  assert.equal(wider.status, 3)
  assert.match(wider.stderr, /this needs "manage"/)

  assert.equal((await home.run(['token', 'revoke', 'nothing'])).status, 4)
  assert.equal((await home.run(['token', 'revoke', 'for a script'])).status, 0)
  assert.match((await script.run(['ls'])).stderr, /This token is unknown, revoked or expired/)

  const boss = homeOf(it.address)
  assert.equal((await boss.login('boss')).status, 0)
  const all = JSON.parse((await boss.run(['admin', 'tokens', '-u', 'alice', '--json'])).stdout)
  assert.ok(all.length >= 2 && all.every((each: object) => !('secret' in each)))
  assert.equal((await boss.run(['admin', 'revoke', all[0].id])).status, 0)
  assert.equal((await home.run(['admin', 'tokens'])).status, 3)
  const events = (await boss.run(['admin', 'events', '-n', '1000'])).stdout
  assert.match(
    events,
    /alice {2}token-create {2}.* {2}token [0-9a-f]{16} "for a script", scope read/,
  )
  assert.match(events, /boss {2}admin-token-revoke/)
})

test('a kill -9 loses none that was told, and revives none that was revoked; a stream ends with its token', async () => {
  const kept = await alice.createToken({ name: 'kept', scope: 'read' })
  const gone = await alice.createToken({ name: 'gone', scope: 'read' })
  const ended = assert.rejects(
    async () => {
      for await (const _each of withToken(gone.secret).watch());
    },
    { code: 'unauthenticated' },
  )
  await alice.revokeToken(gone.id)
  await it.restart()
  assert.equal((await withToken(kept.secret).user()).token?.name, 'kept')
  await assert.rejects(withToken(gone.secret).user(), { code: 'unauthenticated' })
  await ended
  const log = it.log()
  assert.ok(!log.includes(kept.secret) && !log.includes(password))
})

test('who is not allowed, or is taken out of the file of users, has neither session nor token any more', async () => {
  await assert.rejects(it.clientOf('stranger').user(), {
    code: 'unauthenticated',
    message: /User stranger may not use this gateway/,
  })
  await assert.rejects(it.clientOf('carol').user(), /Wrong user name or password/)
  const bob = it.clientOf('bob')
  const { secret } = await bob.createToken({ name: 'x', scope: 'manage' })
  assert.equal((await withToken(secret).user()).name, 'bob')
  writeUsers('alice', 'boss', 'carol')
  const carol = () =>
    it
      .clientOf('carol')
      .user()
      .then(
        () => true,
        () => false,
      )
  await waitFor('carol to be let in', carol, 30_000)
  await assert.rejects(bob.user(), { code: 'unauthenticated' })
  await assert.rejects(withToken(secret).user(), /User bob may not use this gateway/)
  assert.equal((await it.clientOf('boss').admin.tokens('bob')).length, 1)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { freePort, root, startGateway, workingDirectory } from './harness.ts'
import { processesIn } from './processes.ts'
import { type CommandOptions, leftBehind, runCommand } from './run-command.ts'

function directoryFor(context: TestContext): string {
  const { path, remove } = workingDirectory('start-faults')
  context.after(remove)
  return path
}

/** A start that must fail: with one sentence, at once, and leaving nothing but records. */
async function assertNoStart(
  directory: string,
  argv: readonly string[],
  sentence: RegExp,
  options: Partial<CommandOptions> = {},
): Promise<string> {
  const { status, stdout, stderr } = await runCommand(argv, { directory, ...options })
  assert.equal(status, 1, stderr)
  assert.match(stderr, sentence)
  assert.doesNotMatch(stderr, /^ +at |Traceback/m, 'no stack')
  assert.equal((stderr.match(/^Error: /gm) ?? []).length, 1, stderr)
  assert.equal(stdout, '')
  assert.deepEqual(leftBehind(directory).filter(isOurs), [])
  return stderr
}

/** Not what a cluster runs that was left running on purpose. */
const isOurs = (left: string) => !/^\d+ (sleep 1000|\/bin\/sh -s supervisor)/.test(left)

/** A port of 127.0.0.1 that another program has. */
async function takenPort(context: TestContext, wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  return (server.address() as { port: number }).port
}

const local = async () => `--Proxy.address=127.0.0.1:${await freePort()}`

test('an address that cannot be had is told by its setting', async (context) => {
  const directory = directoryFor(context)
  const taken = `127.0.0.1:${await takenPort(context)}`
  const inUse = (name: string) => new RegExp(`${name.replace('.', '\\.')}.*(in use|listens there)`)
  await assertNoStart(directory, [`--Proxy.address=${taken}`], inUse('Proxy.address'))
  const tcp = [await local(), `--Proxy.tcp_address=${taken}`]
  await assertNoStart(directory, tcp, inUse('Proxy.tcp_address'))
  await assertNoStart(
    directory,
    [await local(), `--DaskGateway.address=${taken}`],
    /Cannot listen on 127\.0\.0\.1:\d+ \(DaskGateway\.address\): another program listens there/,
  )
  // 192.0.2.0/24 is for documents (RFC 5737): no address of this machine.
  await assertNoStart(
    directory,
    ['--Proxy.address=192.0.2.1:8000'],
    /Proxy\.address = "192\.0\.2\.1/,
  )
  await assertNoStart(
    directory,
    [await local(), '--DaskGateway.address=192.0.2.1:80'],
    /DaskGateway/,
  )
})

test('the private port of the last time is taken: another is chosen, but not while clusters report to it', async (context) => {
  const directory = directoryFor(context)
  const port = await freePort()
  const config = `c.DBBackendBase.stop_clusters_on_shutdown = False
c.ClusterConfig.scheduler_cmd = ["/bin/sh", "-c", "exec sleep 1000"]`
  const first = await startGateway({ directory, port, config })
  assert.equal(await first.stop(), 0)
  const privatePort = () => {
    const records = new DatabaseSync(join(directory, 'dask_gateway.sqlite'), { readOnly: true })
    try {
      return Number(records.prepare('select private_port from instance').get()?.private_port)
    } finally {
      records.close()
    }
  }
  const before = privatePort()
  await takenPort(context, before)
  const second = await startGateway({ directory, port, config })
  try {
    assert.match(
      second.log(),
      new RegExp(`The private port ${before} .*DaskGateway\\.address.* another is chosen`),
    )
    assert.notEqual(privatePort(), before)
    const authorization = `Basic ${Buffer.from('alice:').toString('base64')}`
    const created = await fetch(`${second.address}/api/v1/clusters/`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    })
    assert.equal(created.status, 201)
    assert.equal(await second.stop(), 0)
    await takenPort(context, privatePort())
    await assertNoStart(
      directory,
      ['-f', 'dask_gateway_config.py'],
      /private port \d+ .*DaskGateway\.address.* 1 recorded cluster\(s\) report to it/,
    )
  } catch (error) {
    throw new Error(second.log(), { cause: error })
  } finally {
    await second.kill()
    // What the second start left running, as it was told to, ends with the records' owner.
    for (const { pid } of processesIn(directory)) process.kill(pid, 'SIGKILL')
  }
})

test('records in memory: a warning that a crash forgets, and no start where clusters should outlive it', async (context) => {
  const directory = directoryFor(context)
  const argv = [await local(), '--DBBackendBase.db_url=sqlite:///:memory:']
  const keep = '--DBBackendBase.stop_clusters_on_shutdown=False'
  await assertNoStart(
    directory,
    [...argv, keep],
    /stop_clusters_on_shutdown.*DBBackendBase\.db_url/,
  )
  const gateway = await startGateway({
    directory,
    port: await freePort(),
    config: 'c.DBBackendBase.db_url = "sqlite:///:memory:"',
    env: { TMPDIR: join(directory, 'tmp') },
  })
  assert.match(gateway.log(), /records are in memory \(DBBackendBase\.db_url\): a crash .* forgets/)
  assert.equal(await gateway.stop(), 0)
  assert.deepEqual(leftBehind(directory), [])
  assert.ok(!existsSync(join(directory, 'dask_gateway.sqlite')))
})

test('what is known to be wrong before the start writes nothing', async (context) => {
  const directory = directoryFor(context)
  const cases: readonly [string, RegExp][] = [
    ['DBBackendBase.db_url=postgresql://u:hush@host/x', /DBBackendBase\.db_url.*not built yet/],
    ['DaskGateway.backend_class=KubeBackend', /KubeBackend is not built yet/],
    ['Proxy.tls_cert=/no.pem', /Proxy\.tls_cert and Proxy\.tls_key/],
    ['UnsafeLocalBackend.user=no-such-account', /UnsafeLocalBackend\.user = "no-such-account"/],
    ['DBBackendBase.db_url=sqlite:///none/x.sqlite', /none\/x\.sqlite.*DBBackendBase\.db_url/],
  ]
  for (const [assignment, sentence] of cases) {
    const stderr = await assertNoStart(directory, [await local(), `--${assignment}`], sentence)
    assert.doesNotMatch(stderr, /hush/)
  }
  assert.ok(!existsSync(join(directory, 'dask_gateway.sqlite')))
})

test('without a Python on PATH only a configuration in Python is refused', async (context) => {
  const directory = directoryFor(context)
  // What as-nobody itself needs, under a name that is not Python's.
  const env = { PATH: join(directory, 'nothing') }
  const by = ['/usr/bin/env', 'PATH=/usr/bin:/bin', join(root, 'test/e2e/as-nobody')]
  const empty = [...by, '/usr/bin/env', `PATH=${env.PATH}`]
  writeFileSync(join(directory, 'a.py'), '')
  await assertNoStart(
    directory,
    ['-f', 'a.py', await local()],
    /needs Python 3\.9 or newer, and PATH \(.*nothing\) has neither python3 nor python/,
    { env, by: empty },
  )
  writeFileSync(join(directory, 'a.json'), '{}')
  const checked = await runCommand(['check-config', '-f', 'a.json'], { directory, env, by: empty })
  assert.equal(checked.status, 0, checked.stderr)
})

test('the error is one JSON object where the log is', async (context) => {
  const directory = directoryFor(context)
  const { status, stderr } = await runCommand(['--DBBackendBase.db_url=postgresql://host/x'], {
    directory,
    env: { DASK_GATEWAY_LOG_FORMAT: 'json' },
  })
  assert.equal(status, 1)
  const { level, message } = JSON.parse(stderr) as { level: string; message: string }
  assert.equal(level, 'error')
  assert.match(message, /PostgreSQL/)
  assert.equal(stderr.trimEnd().split('\n').length, 1)
})

test("an old server's database is left alone, with a warning that lists its live clusters", async (context) => {
  const directory = directoryFor(context)
  const path = join(directory, 'dask_gateway.sqlite')
  const old = new DatabaseSync(path)
  old.exec(readFileSync(join(root, 'src/store/old-server-database.sql'), 'utf8'))
  old.close()
  const before = readFileSync(path)
  const gateway = await startGateway({ directory, port: await freePort() })
  assert.match(
    gateway.log(),
    /dask_gateway\.sqlite is a database of the old dask-gateway-server and stays as it is; .* in .*dask_gateway\.ts\.sqlite\. Its live clusters .*stop them with the old server/,
  )
  assert.equal(await gateway.stop(), 0)
  assert.deepEqual(readFileSync(path), before)
})

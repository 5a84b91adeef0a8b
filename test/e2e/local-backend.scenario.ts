// Run by local-backend.test.ts as root on a private machine, where users can be added: a gateway that is root, and the
// unmodified client as two of its users.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import { freePort, keepLog, python, type RunningGateway, startGateway } from './harness.ts'
import { type PythonRun, runPython } from './run-python.ts'

const directory = '/var/lib/gateway'
const clustersRoot = '/var/lib/dask-gateway-clusters'
const limitMs = 180_000
const direct = ['/usr/bin/env']

// `getent` of a machine whose user database does not mind upper and lower case.
const oddGetent = `#!/bin/sh
[ "$2" != Carol ] || exec /usr/bin/getent passwd bob
exec /usr/bin/getent "$@"
`
const config = `
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.LocalBackend"
c.LocalClusterConfig.scheduler_cmd = ["${python}", "-m", "dask", "scheduler"]
c.LocalClusterConfig.worker_cmd = ["${python}", "-m", "dask", "worker"]
c.LocalBackend.sigint_timeout = 5
c.LocalBackend.sigterm_timeout = 1
c.LocalBackend.inherited_environment = ["PATH", "LANG"]
`

let gateway: RunningGateway
let port = 0
const start = () =>
  startGateway({
    ...{ directory, port, config, by: direct },
    env: { PATH: `/opt/odd:/opt/dask/bin:/usr/bin:/bin`, SECRET_OF_ROOT: 'x' },
  })

before(async () => {
  for (const each of ['/opt/dask', '/opt/odd', '/opt/home', directory])
    mkdirSync(each, { mode: 0o755 })
  execFileSync('mount', ['--bind', process.env.TEST_ENVIRONMENT ?? '', '/opt/dask'])
  writeFileSync('/opt/odd/getent', oddGetent, { mode: 0o755 })
  execFileSync('groupadd', ['--gid', '7001', 'physics'])
  for (const [name, uid, groups] of [
    ['alice', '5001', 'physics'],
    ['bob', '5002', ''],
    ['low', '500', ''],
  ] as const)
    execFileSync('useradd', [
      ...['--uid', uid, '--groups', groups, '--shell', '/bin/bash', '--base-dir', '/opt/home'],
      ...['--create-home', name],
    ])
  port = await freePort()
  gateway = await start()
})
after(async () => {
  keepLog('local-backend', gateway.log())
  assert.equal(await gateway.stop(), 0)
})

const program = `
import json, os, sys
from dask_gateway import Gateway, BasicAuth
gateway = Gateway(os.environ["ADDRESS"], auth=BasicAuth(os.environ["NAME"]))
cluster = gateway.new_cluster(shutdown_on_close=False)
cluster.scale(1)
client = cluster.get_client()
client.wait_for_workers(1, timeout=150)

def facts():
    import os
    umask = os.umask(0o77); os.umask(umask)
    info = os.stat(".")
    return dict(ids=[os.getresuid(), os.getresgid()], groups=sorted(os.getgroups()), umask=umask, cwd=os.getcwd(),
                directory=[info.st_uid, info.st_mode & 0o7777], environ=dict(os.environ), pid=os.getpid(), parent=os.getppid(),
                open=[os.readlink("/proc/self/fd/%d" % n) for n in (0, 1, 2)])

def closed(path):
    try:
        return os.listdir(path) if path.endswith("/") else open(path, "rb").read(10) and "read"
    except OSError as error:
        return type(error).__name__

# A session of its own, no environment, no parent, and deaf to all signals but one.
def escape():
    import os, subprocess
    loop = "trap '' HUP INT TERM; echo $$; exec >&- 2>&-; while :; do sleep 1; done"
    inner = ["setsid", "-f", "env", "-i", "/bin/sh", "-c", loop]
    process = subprocess.Popen(inner, stdout=subprocess.PIPE)
    line = process.stdout.readline()
    process.wait()
    return int(line)

for line in sys.stdin:
    what, *rest = json.loads(line)
    if what == "facts":
        answer = [client.run_on_scheduler(facts), client.submit(facts, pure=False).result(timeout=150)]
    elif what == "closed":
        answer = client.submit(lambda: [closed(path) for path in rest], pure=False).result(timeout=150)
    elif what == "escape":
        answer = client.submit(escape, pure=False).result(timeout=150)
    elif what == "sum":
        import dask.array as da
        answer = int(da.ones((100, 100), chunks=(10, 100)).sum().compute())
    elif what == "exit":
        import threading
        client.run_on_scheduler(lambda: threading.Timer(0.5, os._exit, [5]).start())
        answer = True
    elif what == "shutdown":
        cluster.shutdown()
        answer = True
    print("answer", json.dumps([cluster.name, answer]))
    if what in ("exit", "shutdown"):
        os._exit(0)
`

interface Facts {
  readonly ids: readonly (readonly number[])[]
  readonly groups: readonly number[]
  readonly umask: number
  readonly cwd: string
  readonly directory: readonly number[]
  readonly environ: { readonly [name: string]: string }
  readonly pid: number
  readonly parent: number
  readonly open: readonly string[]
}

/** A user with a cluster, who is asked one thing after the other. */
class User {
  readonly name: string
  readonly #run: PythonRun
  #answers = 0
  cluster = ''

  constructor(name: string) {
    this.name = name
    this.#run = runPython(program, gateway.address, { NAME: name })
  }

  async ask(...question: readonly unknown[]): Promise<unknown> {
    this.#run.write(JSON.stringify(question))
    this.#answers += 1
    const answers = () => [...this.#run.output().matchAll(/^answer (.*)\n/gm)]
    await waitFor(
      `an answer to ${question[0]}`,
      () => {
        if (answers().length >= this.#answers) return true
        if (this.#run.process.exitCode !== null) throw new Error(this.#run.output())
        return false
      },
      limitMs,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#run.output().slice(-4000)}\n${gateway.log()}`)
    })
    const [cluster, answer] = JSON.parse(answers()[this.#answers - 1]?.[1] ?? 'null')
    this.cluster = cluster
    return answer
  }

  async facts(): Promise<readonly [scheduler: Facts, worker: Facts]> {
    return (await this.ask('facts')) as [Facts, Facts]
  }
}

let alice: User
let bob: User

test('two users compute at once, each as the account of that name', {
  timeout: 240_000,
}, async () => {
  alice = new User('alice')
  bob = new User('bob')
  const expected = [
    [alice, 5001, [5001, 7001]],
    [bob, 5002, [5002]],
  ] as const
  await Promise.all(
    expected.map(async ([user, uid, groups]) => {
      assert.equal(await user.ask('sum'), 10_000)
      for (const each of await user.facts()) {
        assert.deepEqual(each.ids, [
          [uid, uid, uid],
          [uid, uid, uid],
        ])
        assert.deepEqual(each.groups, groups)
        assert.equal(each.umask, 0o077)
        assert.deepEqual(each.directory, [uid, 0o700])
        const { HOME, USER, LOGNAME, SHELL, SECRET_OF_ROOT } = each.environ
        const home = `/opt/home/${user.name}`
        assert.deepEqual([HOME, USER, LOGNAME, SHELL], [home, user.name, user.name, '/bin/bash'])
        assert.equal(SECRET_OF_ROOT, undefined)
        // What Dask and its libraries add is no business of ours.
        const added = /^(DASK_|__DASK_|PYTHONHASHSEED$|MALLOC_|\w+_NUM_THREADS$)/
        const ours = /^(PATH|LANG|LC_CTYPE|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|SHLVL|_)$/
        const names = Object.keys(each.environ).filter((name) => !added.test(name))
        assert.deepEqual(
          names.filter((name) => !ours.test(name)),
          [],
        )
        assert.equal(each.open[0], '/dev/null')
      }
    }),
  )
})

test('what belongs to a cluster is closed to other users', async () => {
  const [scheduler, worker] = await alice.facts()
  const top = dirname(scheduler.cwd)
  const secrets = ['TOKEN', 'KEY', 'CERT'].map((kind) =>
    Object.entries(scheduler.environ).find(([name]) => name.endsWith(`_${kind}`)),
  )
  const paths = [
    ...secrets.map((each) => each?.[1] ?? assert.fail('a secret is not named')),
    ...[scheduler, worker].flatMap(({ pid }) =>
      ['environ', 'cwd/', 'fd/', 'mem'].map((name) => `/proc/${pid}/${name}`),
    ),
    ...['work/', 'logs/', 'logs/scheduler.log', 'claims/', '.certs/', ''].map(
      (name) => `${top}/${name}`,
    ),
    ...[
      `${dirname(top)}/`,
      `${clustersRoot}/`,
      `${directory}/dask_gateway.sqlite`,
      `/proc/${scheduler.parent}/environ`,
    ],
  ]
  for (const path of paths) assert.ok(existsSync(path), path)
  assert.deepEqual(
    await bob.ask('closed', ...paths),
    paths.map(() => 'PermissionError'),
  )
  // One's own is open, so that the test can fail; the supervisor is root's.
  assert.deepEqual(await alice.ask('closed', ...paths.slice(0, 4)), [
    'read',
    'read',
    'read',
    'read',
  ])
  const commandLine = readFileSync(`/proc/${scheduler.parent}/cmdline`, 'latin1')
  assert.match(commandLine.replaceAll('\0', ' '), /supervisor of dask-gateway-server/)
  assert.equal(statSync(`/proc/${scheduler.parent}`).uid, 0)
})

test('after a kill -9 of the gateway, clusters go on, and a status is known', {
  timeout: 240_000,
}, async () => {
  const escaped = Number(await alice.ask('escape'))
  await gateway.kill()
  gateway = await start()
  assert.equal(await alice.ask('sum'), 10_000)
  const [before] = await bob.facts()
  await bob.ask('exit')
  const failure = await waitFor(
    'the cluster of bob to fail',
    () => eventOf(bob, 'cluster-failed'),
    60_000,
  )
  assert.match(failure, /exited with status 5/)
  assert.ok(!existsSync(`/proc/${before.parent}`))

  assert.equal(statSync(`/proc/${escaped}`).uid, 5001)
  await alice.ask('shutdown')
  await waitFor('what escaped to be stopped', () => !existsSync(`/proc/${escaped}`), 60_000)
  await waitFor(
    'all of the users to be gone',
    () => processesAbove(5000).length === 0,
    60_000,
  ).catch(() => assert.deepEqual(processesAbove(5000), []))
  await waitFor('directories to be removed', () => directories().length === 0, 60_000)
})

test('who has no ordinary account of exactly that name gets a sentence', {
  timeout: 120_000,
}, async () => {
  const refusals = {
    root: /"root" is an account of the system \(uid 0/,
    daemon: /"daemon" is an account of the system \(uid 1,/,
    low: /"low" is an account of the system \(uid 500,/,
    'no-such-account': /there is no account "no-such-account"/,
    Carol: /knows "Carol" as "bob"/,
    '5001': /"5001" cannot be the name/,
  }
  for (const [name, sentence] of Object.entries(refusals)) {
    const headers = { authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` }
    const response = await fetch(`${gateway.address}/api/v1/clusters/`, {
      ...{ method: 'POST', headers, body: '{"cluster_options": {}}' },
    })
    assert.equal(response.status, 201, name)
    const made = { name, cluster: ((await response.json()) as { name: string }).name }
    const failure = await waitFor(
      `${name} to be refused`,
      () => eventOf(made, 'cluster-failed'),
      60_000,
    )
    assert.match(failure, sentence)
  }
  assert.deepEqual(directories(), [])
})

async function eventOf(
  { name, cluster }: { readonly name: string; readonly cluster: string },
  kind: string,
): Promise<string | null> {
  const headers = { authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` }
  const response = await fetch(`${gateway.address}/api/v1/clusters/${cluster}/events`, { headers })
  const { events } = (await response.json()) as {
    events: { readonly kind: string; readonly message: string }[]
  }
  return events.find((event) => event.kind === kind)?.message ?? null
}

function processesAbove(uid: number): readonly string[] {
  const lines = execFileSync('ps', ['-eo', 'uid=,pid=,stat=,args='], { encoding: 'utf8' }).split(
    '\n',
  )
  return lines.filter(
    (line) => Number(/^ *(\d+)/.exec(line)?.[1]) > uid && !/^ *60\d{3}/.test(line),
  )
}

function directories(): readonly string[] {
  return readdirSync(clustersRoot).flatMap((name) => readdirSync(join(clustersRoot, name)))
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ErrorCode, GatewayError, type Json } from '../../src/core/index.ts'
import { alice, listeningLogger, loadText, root, temporaryDirectory } from './support.ts'

const throws = (code: ErrorCode, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof GatewayError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

const header = `
import asyncio, os, signal, sys, time
from dask_gateway_server.options import *
`

/** A configuration whose handler does what the option \`act\` says. */
const acting = `${header}
def handler(options):
    act = options.act
    if act == "raise":
        raise ValueError("Ask for less")
    if act == "hang":
        while True:
            time.sleep(0.01)
    if act == "print":
        print("said by print")
        os.write(1, b'{"id": 1, "reply": {"value": "forged"}}\\n')
        os.system("echo said by a child")
        print("said on standard error", file=sys.stderr)
    if act == "exit":
        sys.exit(3)
    if act == "die":
        os._exit(7)
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "none":
        return None
    if act == "list":
        return [1]
    if act == "object":
        return {"worker_cores": object()}
    if act == "nan":
        return {"worker_cores": float("nan")}
    if act == "loop":
        loop = {}
        loop["loop"] = loop
        return loop
    if act == "forge":
        for fd in range(3, 20):
            try:
                os.write(fd, b"no JSON\\n")
            except OSError:
                pass
    if act == "daemon":
        import subprocess
        subprocess.Popen(["sleep", "2"], start_new_session=True)
        os._exit(8)
    if act == "close":
        sys.stdout.close()
        os.close(1)
    if act == "read":
        return {"read": sys.stdin.read(), "pid": 1}
    return {"worker_cores": 3}

c.DaskGateway.handler_timeout = 1
c.Backend.cluster_options = Options(String("act"), handler=handler)
`

test('a handler that goes wrong hurts its own request only', async (t) => {
  const { logger, lines } = listeningLogger()
  const configuration = await loadText(t, acting, { logger })
  const act = (what: string) => configuration.clusterOptions.settingsFor(alice, { act: what })
  const works = async () => assert.deepEqual(await act('work'), { worker_cores: 3 })
  const wrong: readonly [string, ErrorCode, RegExp][] = [
    ['raise', 'invalid', /^Ask for less$/],
    ['hang', 'internal', /did not answer: no answer in 1 s/],
    ['exit', 'internal', /sys\.exit\(3\)/],
    ['die', 'internal', /ended its process: exit code 7/],
    ['kill', 'internal', /ended its process: signal SIGKILL/],
    ['forge', 'internal', /ended its process: signal SIGKILL/],
    ['daemon', 'internal', /ended its process: exit code 8/],
    ['none', 'internal', /NoneType, which is no dict/],
    ['list', 'internal', /list, which is no dict/],
    ['object', 'internal', /'worker_cores'.* of the type object, which is no plain value/],
    ['nan', 'internal', /no finite number/],
    ['loop', 'internal', /contains itself/],
  ]
  for (const [what, code, message] of wrong) {
    await assert.rejects(act(what), throws(code, message), what)
    await works()
  }
  assert.deepEqual(await act('print'), { worker_cores: 3 })
  assert.deepEqual(await act('close'), { worker_cores: 3 })
  assert.deepEqual(await act('read'), { read: '', pid: 1 })
  for (const line of ['said by print', 'said by a child', 'said on standard error'])
    assert.ok(lines.includes(line), `the log has "${line}"`)
  const place =
    /The option handler in .*: no answer in 1 s; it was at .*dask_gateway_config\.py, line 1[01]$/
  assert.ok(
    lines.some((line) => place.test(line)),
    lines.join('\n'),
  )
})

test('others are served while handlers hang, and fifty at once', async (t) => {
  const configuration = await loadText(t, acting)
  const act = (what: string) => configuration.clusterOptions.settingsFor(alice, { act: what })
  const hanging = Promise.allSettled([act('hang'), act('hang'), act('hang')])
  const answers = await Promise.all(Array.from({ length: 50 }, () => act('work')))
  assert.ok(answers.every((each) => each.worker_cores === 3))
  assert.deepEqual(
    (await hanging).map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
})

test('handlers get options as attributes and items, under their targets, with any object of a select', async (t) => {
  const configuration = await loadText(
    t,
    `${header}
import datetime
def handler(options, user):
    assert options.cores == options["cores"] == 2 and isinstance(options.hours, float)
    assert dict(options) == {"cores": 2, "hours": 1.0, "day": datetime.date(2020, 1, 1), "env": {"A": "1"}}
    return {"year": options.day.year, "user": user.name, "groups": sorted(user.groups), "admin": user.admin, "set": type(user.groups).__name__, "hours": options.hours}
c.Backend.cluster_options = Options(
    Integer("n", default=1, target="cores"), Float("hours", 1),
    Select("day", [("first", datetime.date(2020, 1, 1)), ("other", None)]), Mapping("env", {"A": "1"}),
    handler=handler,
)
`,
  )
  const fields = await configuration.clusterOptions.fieldsFor(alice)
  assert.deepEqual(fields[0], {
    field: 'n',
    label: 'n',
    default: 1,
    spec: { type: 'int', min: null, max: null },
  })
  assert.deepEqual(
    await configuration.clusterOptions.settingsFor(alice, {
      n: 2,
      hours: 1,
      day: 'first',
      env: { A: '1' },
    }),
    { year: 2020, user: 'alice', groups: ['staff'], admin: false, set: 'set', hours: 1 },
  )
})

test('async handlers, async callables, and options without a handler', async (t) => {
  const configuration = await loadText(
    t,
    `${header}
async def handler(options, user):
    await asyncio.sleep(0)
    return {"worker_cores": options.cores}
async def choose(user):
    await asyncio.sleep(0)
    if user.name == "mallory":
        raise PermissionError("Not for you, mallory")
    if user.name == "bob":
        return None
    if user.admin:
        return Options(Integer("worker_cores", 7))
    return Options(Integer("cores", 5), handler=handler)
c.Backend.cluster_options = choose
`,
  )
  const { clusterOptions } = configuration
  assert.equal((await clusterOptions.fieldsFor(alice))[0]?.field, 'cores')
  assert.deepEqual(await clusterOptions.settingsFor(alice, { cores: 5 }), { worker_cores: 5 })
  const admin = { ...alice, admin: true }
  assert.deepEqual(await clusterOptions.settingsFor(admin, { worker_cores: 7 }), {
    worker_cores: 7,
  })
  const named = (name: string) => ({ ...alice, name })
  await assert.rejects(
    clusterOptions.fieldsFor(named('mallory')),
    throws('invalid', /^Not for you, mallory$/),
  )
  await assert.rejects(
    clusterOptions.settingsFor(named('bob'), {}),
    throws('internal', /gave NoneType, which is no Options/),
  )
})

test('the most derived class gives the options of the backend in use', async (t) => {
  const configuration = await loadText(
    t,
    `${header}
c.Backend.cluster_options = Options(String("common"))
c.LocalBackend.cluster_options = Options(String("ours"))
c.SlurmBackend.cluster_options = Options(String("theirs"))
`,
  )
  const fields = await configuration.clusterOptions.fieldsFor(alice)
  assert.deepEqual(
    fields.map(({ field }) => field),
    ['ours'],
  )
})

test('what a handler gives is checked: unknown keys warn, wrong values are refused', async (t) => {
  const configuration = await loadText(t, 'c.ClusterConfig.worker_memory = "3 G"')
  const { settingsClasses } = await import('../../src/config/index.ts')
  const local = settingsClasses.find(({ name }) => name === 'LocalClusterConfig')
  assert.ok(local)
  const resolve = configuration.clusterSettings(local)
  const { settings, warnings } = resolve({ worker_core: 3, worker_cores: 2, idle_timeout: 1.5 })
  assert.equal(settings.worker_cores, 2)
  assert.equal(settings.worker_memory, 3 * 1024 ** 3)
  assert.deepEqual(warnings, [
    'The cluster options set "worker_core", which LocalClusterConfig does not have, so it was passed over; did you mean "worker_cores"?',
  ])
  assert.throws(
    () => resolve({ worker_cores: 0 }),
    throws('invalid', /LocalClusterConfig\.worker_cores = 0: must be an integer of at least 1/),
  )
  assert.deepEqual(
    resolve(JSON.parse('{"__proto__": 1}') as { [key: string]: Json }).warnings.length,
    1,
  )
})

test('a new process sees the texts that the first one saw, until a reload', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'config.py')
  const text = (answer: number) => `${header}
def handler(options):
    if options.die:
        os._exit(1)
    return {"worker_cores": ${answer}}
c.Backend.cluster_options = Options(Bool("die"), handler=handler)
c.Proxy.prefix = "/p${answer}"
`
  writeFileSync(file, text(1))
  const { loadConfiguration } = await import('../../src/config/index.ts')
  const configuration = await loadConfiguration({
    files: [file],
    defaultFile: null,
    commandLine: [],
    python: null,
    logger: listeningLogger().logger,
  })
  t.after(() => configuration.close())
  const answer = async () =>
    (await configuration.clusterOptions.settingsFor(alice, { die: false })).worker_cores
  writeFileSync(file, text(2))
  await assert.rejects(configuration.clusterOptions.settingsFor(alice, { die: true }))
  assert.equal(await answer(), 1)
  writeFileSync(file, 'raise ValueError("half written")')
  await assert.rejects(configuration.reload(), throws('configuration', /line 1: ValueError: half/))
  assert.equal(await answer(), 1)
  writeFileSync(file, text(3))
  assert.deepEqual(await configuration.reload(), ['Proxy.prefix'])
  assert.equal(await answer(), 3)
  assert.equal(configuration.assignments.get('Proxy')?.get('prefix')?.value, '/p3')
})

test('a reload lets the handler that is running finish', async (t) => {
  const directory = temporaryDirectory(t)
  const [began, go] = [join(directory, 'began'), join(directory, 'go')]
  const configuration = await loadText(
    t,
    `${header}
def handler(options):
    open(${JSON.stringify(began)}, "w").close()
    while not os.path.exists(${JSON.stringify(go)}):
        time.sleep(0.01)
    return {"worker_cores": 4}
c.Backend.cluster_options = Options(handler=handler)
`,
  )
  const running = configuration.clusterOptions.settingsFor(alice, {})
  await until(() => existsSync(began))
  await configuration.reload()
  writeFileSync(go, '')
  assert.deepEqual(await running, { worker_cores: 4 })
})

test('no process outlives the configuration, not even one that hangs', async (t) => {
  const directory = temporaryDirectory(t)
  const pids = join(directory, 'pids')
  const configuration = await loadText(
    t,
    `${header}
import subprocess
def handler(options):
    child = subprocess.Popen(["sleep", "600"])
    with open(${JSON.stringify(pids)}, "w") as file:
        file.write(f"{os.getpid()} {child.pid} .")
    child.wait()
c.Backend.cluster_options = Options(handler=handler)
`,
  )
  const hanging = assert.rejects(configuration.clusterOptions.settingsFor(alice, {}))
  await until(() => existsSync(pids) && readFileSync(pids, 'utf8').endsWith('.'))
  await Promise.all([configuration.close(), hanging])
  for (const pid of readFileSync(pids, 'utf8').split(' ').slice(0, 2))
    await until(() => !runs(Number(pid)))
})

test('the processes end with a gateway that is killed, also in the middle of a handler', async (t) => {
  const directory = temporaryDirectory(t)
  const pid = join(directory, 'pid')
  const file = join(directory, 'config.py')
  writeFileSync(
    file,
    `${header}
def handler(options):
    with open(${JSON.stringify(pid)}, "w") as file:
        file.write(f"{os.getpid()} .")
    while True:
        time.sleep(1)
c.Backend.cluster_options = Options(handler=handler)
`,
  )
  const main = join(directory, 'gateway.ts')
  writeFileSync(
    main,
    `import { alice, listeningLogger } from ${JSON.stringify(join(import.meta.dirname, 'support.ts'))}
import { loadConfiguration } from ${JSON.stringify(join(root, 'src/config/index.ts'))}
const configuration = await loadConfiguration({ files: [${JSON.stringify(file)}], defaultFile: null, commandLine: [], python: null, logger: listeningLogger().logger })
await configuration.clusterOptions.settingsFor(alice, {})
`,
  )
  const gateway = spawn(process.execPath, [main], { stdio: 'inherit' })
  t.after(() => gateway.kill('SIGKILL'))
  await until(() => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('.'))
  gateway.kill('SIGKILL')
  const child = Number.parseInt(readFileSync(pid, 'utf8'), 10)
  await until(() => !runs(child))
})

/** Waits for a condition, ten seconds at most. */
async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!condition()) {
    assert.ok(Date.now() < end, 'the condition never came true')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

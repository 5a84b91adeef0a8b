import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  type RunningGateway,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { childrenOf, processesWith } from './processes.ts'
import { runPython } from './run-python.ts'

const directory = workingDirectory('faults')
let gateway: RunningGateway

const config = `
from dask_gateway_server.options import Options, String, Float

def handler(options):
    settings = {"cluster_start_timeout": options.patience}
    if options.command:
        settings["scheduler_cmd"] = ["/bin/sh", "-c", options.command]
    if options.program:
        settings["scheduler_cmd"] = [options.program]
    return settings

c.Backend.cluster_options = Options(
    String("command"), String("program"), Float("patience", 60), handler=handler
)
c.UnsafeLocalBackend.sigint_timeout = 1
c.UnsafeLocalBackend.sigterm_timeout = 1
`

before(async () => {
  gateway = await startGateway({ directory: directory.path, port: await freePort(), config })
})
after(async () => {
  keepLog('faults', gateway.log())
  assert.equal(await gateway.stop(), 0)
  directory.remove()
})

const headers = { authorization: `Basic ${Buffer.from('alice:').toString('base64')}` }

async function api(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${gateway.address}/api/v1/clusters/${path}`, { ...init, headers })
}

async function create(options: { readonly [field: string]: string | number }): Promise<string> {
  const body = JSON.stringify({ cluster_options: options })
  const response = await api('', { method: 'POST', body })
  assert.equal(response.status, 201)
  return ((await response.json()) as { name: string }).name
}

async function status(name: string): Promise<string> {
  return ((await (await api(name)).json()) as { status: string }).status
}

interface ShownEvent {
  readonly kind: string
  readonly message: string
  readonly details: { readonly log_tail?: readonly string[] }
}

async function events(name: string): Promise<readonly ShownEvent[]> {
  return ((await (await api(`${name}/events`)).json()) as { events: ShownEvent[] }).events
}

async function failure(name: string, limitMs: number): Promise<ShownEvent> {
  await waitFor('FAILED', async () => (await status(name)) === 'FAILED', limitMs)
  const last = (await events(name)).at(-1)
  assert.ok(last !== undefined)
  assert.equal(last.kind, 'cluster-failed')
  return last
}

/** Processes of a cluster, by what their command line holds. */
const processesOf = (cluster: string, text: string) =>
  processesWith(`DASK_GATEWAY_CLUSTER_NAME=${cluster}`)
    .filter(({ command }) => command.includes(text))
    .map(({ pid }) => pid)

test('a scheduler command that is missing fails the cluster at once and names the command', async () => {
  const { message } = await failure(await create({ program: 'no-such-program' }), 2000)
  assert.match(message, /no-such-program/)
})

test('a scheduler that exits at once: its status and the last lines of its log, within five seconds', async () => {
  const name = await create({ command: 'echo trouble with the moon >&2; exit 3' })
  const { message, details } = await failure(name, 5000)
  assert.match(message, /status 3/)
  assert.deepEqual(details.log_tail, ['trouble with the moon'])
  const log = await api(`${name}/logs`)
  assert.equal(await log.text(), 'trouble with the moon\n')
})

test('a scheduler that hangs is given up in time, and nothing of it is left', async () => {
  const name = await create({
    command: 'trap "" INT TERM; sleep 1000 & wait; sleep 1000',
    patience: 1,
  })
  const { message } = await failure(name, 15_000)
  assert.match(message, /no heartbeat within 1 s/)
  assert.deepEqual(processesOf(name, ''), [])
})

test('a scheduler that reports a false address is refused with a sentence', async () => {
  const program = `
import json, os, sys, urllib.request, urllib.error, time
url = os.environ["DASK_GATEWAY_API_URL"] + "/v1/clusters/" + os.environ["DASK_GATEWAY_CLUSTER_NAME"] + "/heartbeat"
token = open(os.environ["DASK_GATEWAY_API_TOKEN"]).read()
body = dict(scheduler_address="tls://10.9.8.7:22", dashboard_address="", api_address="http://127.0.0.1:9",
            count=0, active_workers=[], closing_workers=[], closed_workers=[])
request = urllib.request.Request(url, json.dumps(body).encode(), {"Authorization": "token " + token, "Content-Type": "application/json"})
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
time.sleep(60)
`
  const name = await create({
    command: `exec python -c '${program.replaceAll("'", '"')}' `,
    patience: 4,
  })
  await failure(name, 15_000)
  const refused = (await events(name)).find((event) => event.kind === 'address-refused')
  assert.match(refused?.message ?? '', /scheduler address "tls:\/\/10\.9\.8\.7:22" is refused/)
  assert.match(await (await api(`${name}/logs`)).text(), /^422 .*is refused/m)
})

test('a dead worker is replaced, a dead proxy is started again, a dead scheduler fails its cluster', async () => {
  const program = `
import os, sys
from dask_gateway import Gateway, BasicAuth
gateway = Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice"))
cluster = gateway.new_cluster(shutdown_on_close=False)
cluster.scale(1)
client = cluster.get_client()
client.wait_for_workers(1, timeout=60)
before = list(client.scheduler_info()["workers"])
print("name", cluster.name, "ready")
sys.stdin.readline()
import time
for _ in range(600):
    now = list(client.scheduler_info(n_workers=-1)["workers"])
    if now and now != before: break
    time.sleep(0.1)
assert now and now != before, now
print("worker is back")
sys.stdin.readline()
with Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice")) as other:
    with other.connect(cluster.name) as again:
        with again.get_client() as new_client:
            assert new_client.submit(lambda: 7, pure=False).result(timeout=60) == 7
print("proxy is back")
sys.stdin.readline()
os._exit(0)
`
  const client = runPython(program, gateway.address)
  await client.printed('ready')
  const name = /name (\w+)/.exec(client.output())?.[1] ?? ''
  assert.notEqual(name, '')
  for (const pid of processesOf(name, 'worker')) process.kill(pid, 'SIGKILL')
  client.write('go on')
  await client.printed('worker is back')

  const proxy = proxyPid(gateway.pid)
  assert.notEqual(proxy, 0)
  process.kill(proxy, 'SIGKILL')
  await waitFor('another proxy', () => {
    const now = proxyPid(gateway.pid)
    return now !== 0 && now !== proxy
  })
  await waitFor('it to listen', () => fetch(`${gateway.address}/livez`).catch(() => null))
  client.write('go on')
  await client.printed('proxy is back')

  for (const pid of processesOf(name, 'scheduler')) process.kill(pid, 'SIGKILL')
  const { message } = await failure(name, 10_000)
  assert.match(message, /The scheduler ended: killed by signal 9/)
  client.write('end')
  await client.ended
  assert.deepEqual(processesOf(name, ''), [])
})

/** The proxy that a gateway started; 0: none. */
const proxyPid = (gatewayPid: number) => childrenOf(gatewayPid, 'managed-proxy.js')[0]?.pid ?? 0

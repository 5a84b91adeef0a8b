import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import {
  type Answer,
  ask,
  basic,
  freePort,
  type GatewayOptions,
  keepLog,
  type RunningGateway,
  startGateway,
  workingDirectory,
  writeConfiguration,
} from './harness.ts'
import { runPython } from './run-python.ts'

// What an administrator does to a gateway that runs: reload, stop, stop at once, kill.

const directory = workingDirectory('signals')
let gateway: RunningGateway | null = null
afterEach(async (context) => {
  if (gateway === null) return
  keepLog(`signals-${context?.name ?? ''}`.replace(/\W+/g, '-').slice(0, 60), gateway.log())
  await gateway.stop()
  gateway = null
})
after(() => directory.remove())

const quickly = `
c.UnsafeLocalBackend.sigint_timeout = 1
c.UnsafeLocalBackend.sigterm_timeout = 1
`

async function create(at: RunningGateway, options: object = {}): Promise<Answer> {
  const body = JSON.stringify({ cluster_options: options })
  const headers = basic('alice', '')
  return ask(`${at.address}/api/v1/clusters/`, { method: 'POST', headers, body })
}

async function statuses(at: RunningGateway, query = ''): Promise<readonly string[]> {
  const url = `${at.address}/api/v1/clusters/${query}`
  const answer = await ask(url, { headers: basic('alice', '') })
  assert.equal(answer.status, 200)
  const clusters = JSON.parse(answer.text) as { readonly [name: string]: { status: string } }
  return Object.values(clusters).map(({ status }) => status)
}

test('SIGHUP: a changed handler takes effect, a broken file leaves the old one and is explained', async () => {
  const handler = (body: string): GatewayOptions => ({
    ...{ directory: directory.path, port },
    config: `
from dask_gateway_server.options import Options, String
def handler(options):
    ${body}
c.Backend.cluster_options = Options(String("star"), handler=handler)
`,
  })
  const port = await freePort()
  gateway = await startGateway(handler('raise ValueError("no moons today")'))
  const { log } = gateway
  assert.match((await create(gateway)).text, /no moons today/)

  writeConfiguration(handler('raise ValueError("no suns today")'))
  gateway.signal('SIGHUP')
  await waitFor('the new file', () => log().includes('have been read anew'))
  assert.match((await create(gateway)).text, /no suns today/)

  writeConfiguration(handler('raise ValueError("no comets today"'))
  gateway.signal('SIGHUP')
  await waitFor('the explanation', () => log().includes('going on with the old configuration'))
  assert.match(log(), /old configuration: .*dask_gateway_config\.py.*(line 6|:6)/s)
  assert.match((await create(gateway)).text, /no suns today/)
})

test('SIGTERM: in order with 0; a second one ends at once, and the next start goes on with the stop', async () => {
  const port = await freePort()
  const options = { directory: directory.path, port }
  const asked = join(directory.path, 'asked')
  const stubborn = `
c.UnsafeLocalBackend.sigint_timeout = 60
c.ClusterConfig.scheduler_cmd = ["/bin/sh", "-c", 'trap "echo >${asked}" INT; echo stubborn; while :; do sleep 600; done']
`
  gateway = await startGateway({ ...options, config: stubborn })
  const { log } = gateway
  const created = await create(gateway)
  assert.equal(created.status, 201)
  const { name } = JSON.parse(created.text) as { name: string }
  const logs = `${gateway.address}/api/v1/clusters/${name}/logs`
  await waitFor('the scheduler', async () =>
    (await ask(logs, { headers: basic('alice', '') })).text.includes('stubborn'),
  )
  gateway.signal('SIGTERM')
  await waitFor('the scheduler to be asked to end', () => existsSync(asked))
  const from = performance.now()
  gateway.signal('SIGTERM')
  assert.equal(await gateway.ended, 1)
  assert.ok(performance.now() - from < 5_000)
  assert.match(log(), /SIGTERM: stopping in order.*SIGTERM once more: ending at once/s)

  gateway = await startGateway({ ...options, config: quickly })
  const again = gateway
  await waitFor(
    'the cluster to be stopped',
    async () => (await statuses(again, '?status=failed,stopped')).length === 1,
    30_000,
  )
  assert.deepEqual(await statuses(again), [])
  assert.equal(await gateway.stop(), 0)
  gateway = null
})

test('with stop_clusters_on_shutdown = False clusters outlive SIGTERM and SIGKILL, and are adopted', async () => {
  const port = await freePort()
  const config = `${quickly}c.DBBackendBase.stop_clusters_on_shutdown = False`
  const options = { directory: directory.path, port, config }
  gateway = await startGateway(options)
  const client = runPython(program, gateway.address)
  await client.printed('first')
  assert.equal(await gateway.stop(), 0)
  gateway = await startGateway(options)
  assert.deepEqual(await statuses(gateway), ['RUNNING'])
  client.write('go on')
  await client.printed('second')
  await gateway.kill()
  gateway = await startGateway(options)
  assert.deepEqual(await statuses(gateway), ['RUNNING'])
  client.write('go on')
  assert.match(await client.ended, /done/)
  // A gateway that is told to leave clusters alone would leave one that is just ending.
  const last = gateway
  const unfinished = () => statuses(last, '?status=pending,running,stopping')
  await waitFor('the cluster to end', async () => (await unfinished()).length === 0, 60_000)
})

const program = `
import os, sys
from dask_gateway import Gateway, BasicAuth
def compute(name, word):
    with Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice")) as gateway:
        cluster = gateway.connect(name) if name else gateway.new_cluster(shutdown_on_close=False)
        if not name: cluster.scale(1)
        with cluster.get_client() as client:
            assert client.submit(os.getpid, pure=False).result(timeout=60) > 1
            workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        if word == "done":
            cluster.shutdown()
            assert gateway.list_clusters() == []
        cluster.close(shutdown=False)
        print(word)
        return cluster.name, workers
name, workers = compute(None, "first")
sys.stdin.readline()
assert compute(name, "second") == (name, workers)
sys.stdin.readline()
assert compute(name, "done") == (name, workers)
`

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import {
  ask,
  freePort,
  keepLog,
  type RunningGateway,
  startCommand,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { connectAs, runPython } from './run-python.ts'

// `Proxy.externally_managed`: the proxy is a service of its own, which outlives gateways, and is outlived by them.

const directory = workingDirectory('external-proxy')
const running = new Set<RunningGateway>()
after(async () => {
  for (const each of running) {
    keepLog(`external-proxy-${each.pid}`, each.log())
    await each.stop()
  }
  directory.remove()
})

test('a proxy of its own carries computations over the end of the gateway, and is replaced', async () => {
  const [port, privatePort] = [await freePort(), await freePort()]
  const env = { DASK_GATEWAY_PROXY_TOKEN: 'a token of the tests' }
  const config = `
c.DaskGateway.address = "127.0.0.1:${privatePort}"
c.Proxy.externally_managed = True
c.UnsafeLocalBackend.sigint_timeout = 3
`
  const options = { directory: directory.path, port, config, env }
  const address = `http://127.0.0.1:${port}`
  const startProxy = () => keep(startCommand(['proxy'], 'proxy', { ...options, address }))
  // The gateway first: that it is ready shows that the proxy waits for nobody and is waited for.
  let gateway = keep(await startGateway({ ...options, wait: false }))
  const privately = (path: string) => ask(`http://127.0.0.1:${privatePort}${path}`)
  await waitFor('the gateway', () => privately('/livez').catch(() => null), 30_000)
  const unready = await privately('/readyz')
  assert.equal(unready.status, 503)
  assert.match(unready.text, /no proxy is connected/)
  let proxy = startProxy()
  await waitFor('the proxy', async () => (await privately('/readyz')).status === 200, 30_000)

  const client = runPython(program, address)
  await client.printed('running')
  await end(gateway)
  client.write('go on')
  await client.printed('gathered')
  gateway = keep(await startGateway(options))
  client.write('go on')
  await client.printed('scaled')
  await end(proxy)
  proxy = startProxy()
  await waitFor('the next proxy', async () => (await privately('/readyz')).status === 200, 30_000)
  await waitFor('it to listen', () => ask(`${address}/livez`).catch(() => null), 30_000)
  client.write('go on')
  assert.match(await client.ended, /done/)

  assert.equal(await proxy.stop(), 0)
  running.delete(proxy)
  assert.equal(await gateway.stop(), 0)
  running.delete(gateway)
})

const program = `${connectAs('alice')}
import time
cluster = gateway.new_cluster(shutdown_on_close=False)
cluster.scale(1)
client = cluster.get_client()
client.wait_for_workers(1, timeout=60)
def slowly(n):
    time.sleep(2)
    return n * n
futures = client.map(slowly, range(3))
print("running")
sys.stdin.readline()
assert client.gather(futures) == [0, 1, 4]
print("gathered")
sys.stdin.readline()
assert client.submit(sum, [1, 2, 3]).result(timeout=60) == 6
cluster.scale(2)
client.wait_for_workers(2, timeout=60)
print("scaled")
sys.stdin.readline()
with Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice")) as other:
    with other.connect(cluster.name) as again:
        with again.get_client() as new_client:
            assert new_client.submit(sum, [4, 5, 6]).result(timeout=60) == 15
        again.shutdown()
print("done", flush=True)
os._exit(0)
`

function keep(started: RunningGateway): RunningGateway {
  running.add(started)
  return started
}

async function end(started: RunningGateway): Promise<void> {
  await started.kill()
  running.delete(started)
}

import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  type RunningGateway,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { processesWith } from './processes.ts'
import { connectAs, runPython } from './run-python.ts'

const password = 'a password of the tests'
const config = `
c.SimpleAuthenticator.password = "${password}"
c.UnsafeLocalBackend.sigint_timeout = 3
`
const connect = connectAs('alice', password)

let gateway: RunningGateway | null = null
const directory = workingDirectory('main-job')
afterEach(async (context) => {
  if (gateway !== null)
    keepLog(`main-job-${context?.name ?? ''}`.replace(/\W+/g, '-').slice(0, 60), gateway.log())
  await gateway?.stop()
  gateway = null
})
after(() => directory.remove())

test('the unmodified client starts a cluster, scales it, computes on it, and shuts it down', async () => {
  gateway = await startGateway({ directory: directory.path, port: await freePort(), config })
  const program = `${connect}
assert gateway.list_clusters() == []
print("options", dict(gateway.cluster_options()))
with gateway.new_cluster() as cluster:
    print("cluster", cluster.name, cluster.dashboard_link)
    cluster.scale(2)
    client = cluster.get_client()
    client.wait_for_workers(2, timeout=60)
    import dask.array as da, dask.dataframe as dd, pandas as pd
    total = da.ones((1000, 1000), chunks=(250, 250)).sum().compute()
    assert total == 1_000_000, total
    frame = dd.from_pandas(pd.DataFrame({"key": [1, 2, 1, 2], "value": [1.0, 2.0, 3.0, 4.0]}), npartitions=2)
    groups = frame.groupby("key").value.sum().compute()
    assert groups.to_dict() == {1: 4.0, 2: 6.0}, groups
    assert len(gateway.list_clusters()) == 1
    print("computed")
    client.close()
assert gateway.list_clusters() == []
print("done")
`
  const output = await runPython(program, gateway.address).ended
  assert.match(output, /computed\ndone/)
  await nothingIsLeft()
})

test('a kill -9 of the gateway: running futures finish, and the same client goes on', async () => {
  const port = await freePort()
  gateway = await startGateway({ directory: directory.path, port, config })
  const program = `${connect}
import time
cluster = gateway.new_cluster()
cluster.scale(2)
client = cluster.get_client()
client.wait_for_workers(2, timeout=60)
def slowly(n):
    time.sleep(6)
    return n * n
futures = client.map(slowly, range(4))
print("running")
sys.stdin.readline()
assert client.gather(futures) == [0, 1, 4, 9]
print("gathered")
sys.stdin.readline()
assert client.submit(lambda: 42, pure=False).result(timeout=30) == 42
assert [c.name for c in gateway.list_clusters()] == [cluster.name]
again = gateway.connect(cluster.name)
with again.get_client() as other:
    assert other.submit(lambda: 43, pure=False).result(timeout=30) == 43
cluster.scale(3)
client.wait_for_workers(3, timeout=60)
cluster.shutdown()
print("done")
`
  const client = runPython(program, gateway.address)
  await client.printed('running')
  await gateway.kill()
  client.write('go on')
  await client.printed('gathered')
  gateway = await startGateway({ directory: directory.path, port, config })
  client.write('go on')
  assert.match(await client.ended, /done/)
  await nothingIsLeft()
})

test('a stopped gateway stops its clusters, and the records say so', async () => {
  const port = await freePort()
  gateway = await startGateway({ directory: directory.path, port, config })
  const program = `${connect}
cluster = gateway.new_cluster(shutdown_on_close=False)
print("started", cluster.name)
`
  await runPython(program, gateway.address).ended
  assert.equal(await gateway.stop(), 0)
  await nothingIsLeft()
  gateway = await startGateway({ directory: directory.path, port, config })
  const output = await runPython(
    `${connect}print([(c.status.name) for c in gateway.list_clusters(status=["failed", "stopped"])])`,
    gateway.address,
  ).ended
  assert.match(output, /FAILED/)
})

/** No Dask process of this gateway runs any more (they carry its working directory in their paths). */
async function nothingIsLeft(): Promise<void> {
  await waitFor('all Dask processes to be gone', () => daskProcesses().length === 0, 20_000).catch(
    () => assert.deepEqual(daskProcesses(), []),
  )
}

const daskProcesses = () =>
  processesWith('DASK_GATEWAY_CLUSTER_NAME=', directory.path).map(({ command }) => command)

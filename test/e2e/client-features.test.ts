import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  type RunningGateway,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { processesWith } from './processes.ts'
import { runPython } from './run-python.ts'

// What the unmodified Python client offers, feature by feature, against a whole gateway. The programs are beside, in
// client-features/.
const source = (name: string) =>
  readFileSync(join(import.meta.dirname, 'client-features', `${name}.py`), 'utf8')
const program = (name: string) => `${source('common')}\n${source(name)}`

describe('a gateway with options for each user', () => {
  const directory = workingDirectory('client-features')
  let gateway: RunningGateway
  before(async () => {
    const config = source('gateway_config')
    gateway = await startGateway({ directory: directory.path, port: await freePort(), config })
  })
  after(async () => {
    keepLog('client-features', gateway.log())
    assert.equal(await gateway.stop(), 0)
    directory.remove()
  })

  const run = (name: string) => runPython(program(name), gateway.address).ended

  test('cluster options: fields, checks on both sides, settings, and handlers of all manners', async () => {
    assert.match(await run('options'), /^settings arrive$.*^handlers$/ms)
  })

  test('limits of a cluster are told in words, and kept', async () => {
    assert.match(await run('limits'), /done/)
  })

  test('adaptive scaling, scaling by hand, and the end of an idle cluster', async () => {
    assert.match(await run('scaling'), /^adaptive$.*^by hand$.*^idle$/ms)
  })

  test('the asynchronous client, the widget, and users who do not see each other', async () => {
    assert.match(await run('asynchronous'), /^asynchronous$.*^widget$.*^users$/ms)
  })

  test('large data, many clients, many clusters', async () => {
    assert.match(await run('load'), /^one cluster$.*^five clusters$/ms)
  })
})

describe('restarts, silence and the age of records', () => {
  const directory = workingDirectory('client-restarts')
  const config = `
from dask_gateway_server.options import Mapping, Options
c.SimpleAuthenticator.password = "a password of the tests"
c.Backend.cluster_options = Options(Mapping("settings"), handler=lambda options: options.settings)
c.DBBackendBase.stop_clusters_on_shutdown = False
c.DBBackendBase.cluster_heartbeat_period = 1
c.DBBackendBase.cluster_heartbeat_timeout = 8
c.DBBackendBase.db_cleanup_period = 1
c.DBBackendBase.settle_time = 1
`
  let port: number
  let gateway: RunningGateway
  const start = async (more = '') => {
    gateway = await startGateway({ directory: directory.path, port, config: config + more })
  }
  before(async () => {
    port = await freePort()
    await start()
  })
  after(async () => {
    keepLog('client-restarts', gateway.log())
    assert.equal(await gateway.stop(), 0)
    directory.remove()
  })
  const run = (name: string, more = '') => runPython(program(name) + more, gateway.address)

  test('a kill -9 in the middle of scaling and of stopping; a scheduler that falls silent', async () => {
    const client = run('restarts')
    const restart = async () => {
      await gateway.kill()
      await start()
      client.write('go on')
    }
    await client.printed('cluster ')
    const name = /cluster (\w+)/.exec(client.output())?.[1] ?? ''
    await restart()
    await client.printed('scaled')
    await waitFor('a new worker', () => daskLeaders(name, 'worker').length > 1)
    await restart()
    await client.printed('stopped')
    await restart()
    await client.printed('hanging ', 120_000)
    assert.deepEqual(daskLeaders(name, ''), [])
    const other = /hanging (\w+)/.exec(client.output())?.[1] ?? ''
    const [scheduler, ...rest] = daskLeaders(other, 'scheduler')
    assert.ok(scheduler !== undefined && rest.length === 0)
    process.kill(scheduler, 'SIGSTOP')
    client.write('go on')
    await client.ended
    assert.deepEqual(daskLeaders(other, ''), [])
  })

  test('a cluster that fails to start: its reason and log, after restarts too, until their time is over', async () => {
    await run('failing', source('failed')).ended
    await gateway.kill()
    await start()
    await run('failed', 'assert "the moon" in ask(gateway, f"{report.name}/logs")').ended
    await gateway.stop()
    await start('c.DBBackendBase.log_max_age = 0.1')
    const gone = `
def log():
    try:
        return ask(gateway, f"{report.name}/logs")
    except ValueError as error:
        print(error)
until("the log to be removed", lambda: not log())
`
    assert.match(await run('failed', gone).ended, /^Cluster \w+ has no log of its scheduler$/m)
    await gateway.stop()
    await start('c.DBBackendBase.db_cluster_max_age = 0.1')
    const forgotten = `
carol = gateway_of("frank")
until("the record to be removed", lambda: not carol.list_clusters("failed"))
`
    await runPython(source('common') + forgotten, gateway.address).ended
  })
})

/** Processes of a cluster: the Dask commands of a kind, without their children; '': all. */
function daskLeaders(cluster: string, kind: '' | 'scheduler' | 'worker'): number[] {
  return processesWith(`DASK_GATEWAY_CLUSTER_NAME=${cluster}`)
    .filter(({ command }) => kind === '' || command.includes(`/dask ${kind} `))
    .map(({ pid }) => pid)
}

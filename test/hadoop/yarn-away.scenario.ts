// Run by yarn-away.test.ts inside a machine with Hadoop where keys of tokens roll each 40 s and a silent application master is given up
// after 12 s.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import { hadoopDaemon } from '../support/hadoop.ts'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'

installGateway()
const gateway = await new YarnGateway({
  name: 'away',
  config: 'c.DBBackendBase.stop_clusters_on_shutdown = False\n',
}).start()
after(() => gateway.stop())

const rolls = async () => {
  const log = await readFile('/var/log/hadoop/resourcemanager.log', 'utf8')
  return log.match(/Activating next master key with id/g)?.length ?? 0
}

test('a cluster lives while its gateway is away for longer than YARN waits for silent masters, and than keys live', async () => {
  const name = await gateway.create('alice')
  await gateway.becomes('alice', name, 'RUNNING')
  await gateway.scale('alice', name, 1)
  const one = async () => (await gateway.running('alice', name)) === 1
  await gateway.until('a worker', one)
  await gateway.stop('SIGKILL')
  const before = await rolls()
  await waitFor('keys to roll', async () => (await rolls()) >= before + 2, 240_000)
  // Who comes anew needs a token of the new key.
  await hadoopDaemon('kill', 'resourcemanager')
  await hadoopDaemon('start', 'resourcemanager')
  const [first] = await gateway.start().then(() => gateway.workers('alice', name))
  await gateway.scale('alice', name, 2)
  await gateway.until('two workers', async () => (await gateway.running('alice', name)) === 2)
  const names = (await gateway.workers('alice', name)).map((worker) => worker.name)
  assert.ok(names.includes(first?.name ?? ''))
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
  await gateway.balance()
})

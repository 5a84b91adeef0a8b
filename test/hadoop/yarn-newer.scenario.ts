// Run by yarn-newer.test.ts inside a machine with Hadoop 3.5 where everybody may see everything.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'

installGateway()
const gateway = await new YarnGateway({ name: 'n' }).start()
after(() => gateway.stop())

test('a cluster runs, its workers can be read while they do, and it ends', async () => {
  const lines = 'for i in 1 2 3; do echo line $i of the setup; done'
  const name = await gateway.create('alice', { worker_setup: lines })
  await gateway.becomes('alice', name, 'RUNNING')
  await gateway.scale('alice', name, 1)
  await gateway.until('a worker', async () => (await gateway.running('alice', name)) === 1)
  const [worker] = await gateway.workers('alice', name)
  const log = async () => (await gateway.ask('alice', `${name}/logs?worker=${worker?.name}`)).text()
  assert.equal(await log(), 'line 1 of the setup\nline 2 of the setup\nline 3 of the setup\n')
  await gateway.scale('alice', name, 0)
  await gateway.until('no worker', async () => (await gateway.running('alice', name)) === 0)
  assert.match(await log(), /yarn logs -applicationId application_\d+_0001 -containerId container_/)
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
  await gateway.balance()
})

// Run by slurm-outage.test.ts inside a machine with Slurm.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { install, QueueGateway } from '../support/queue-gateway.ts'
import { daemon } from '../support/slurm-machine.ts'

install()
const gateway = await new QueueGateway({
  name: 'o',
  backend: 'jobqueue.slurm.SlurmBackend',
}).start()
after(() => gateway.stop())

test('a controller that is down for 25 s delays starts, stops and looks, and nothing else', async () => {
  const [used, stopping] = [await gateway.create('alice'), await gateway.create('bob')]
  for (const [user, name] of [
    ['alice', used],
    ['bob', stopping],
  ] as const) {
    await gateway.becomes(user, name, 'RUNNING')
    await gateway.scale(user, name, 1)
    await gateway.until('a worker', async () => (await gateway.running(user, name)) === 1)
  }
  const starting = await gateway.create('bob', { scheduler_setup: 'sleep 5' })
  await gateway.eventOf('bob', starting, /The scheduler was started/)
  const runs = () => gateway.jobs().filter((line) => / RUNNING /.test(line)).length
  await gateway.until('its job to run', async () => runs() === 5)
  await daemon('stop', 'slurmctld')
  const outage = delay(25_000)
  const submitted = await gateway.create('alice')
  await gateway.scale('alice', used, 2)
  await gateway.remove('bob', stopping)
  // Not everything goes through the queue.
  await gateway.becomes('bob', starting, 'RUNNING')
  const words = /tried again: .*Unable to contact slurm controller/
  await gateway.eventOf('alice', submitted, words)
  await gateway.eventOf('bob', stopping, words)
  await outage
  assert.equal(await gateway.status('alice', used), 'RUNNING')
  assert.equal(await gateway.status('alice', submitted), 'PENDING')
  assert.equal(await gateway.status('bob', stopping), 'STOPPING')
  await daemon('start', 'slurmctld')

  await gateway.becomes('alice', submitted, 'RUNNING')
  await gateway.becomes('bob', stopping, 'STOPPED')
  await gateway.until('two workers', async () => (await gateway.running('alice', used)) === 2)
  await gateway.scale('bob', starting, 1)
  await gateway.until('a worker', async () => (await gateway.running('bob', starting)) === 1)
  // Schedulers and workers, each once.
  await gateway.until('six jobs', async () => gateway.jobs().length === 6)
  for (const name of [used, submitted]) await gateway.remove('alice', name)
  await gateway.remove('bob', starting)
  await gateway.balance()
})

// Run by slurm-crashes.test.ts inside a machine with Slurm.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { install, QueueGateway } from '../support/queue-gateway.ts'

// Come to only when looks at the queue, heartbeats and requests fall together in one way.
const sometimes =
  /(cluster-pending|workers-pending|delayed|find|worker running accepted( to be stopped)?|cluster running accepted, worker running accepted)$/

install()
const path = '/var/gateways/0/steps'
await live('0', { DASK_GATEWAY_STEPS: path })
const steps = [...new Set(readFileSync(path, 'utf8').trim().split('\n'))]

test('a life comes to all that a backend is asked for', () => {
  for (const call of ['startScheduler', 'startWorkers', 'stopObjects', 'cleanUp'])
    assert.ok(steps.includes(`before ${call}`), call)
  assert.ok(steps.length > 30, `${steps.length} steps`)
})

describe('a kill -9', { concurrency: 6 }, () => {
  for (const [index, step] of steps.entries())
    test(step, async () => {
      const wasKilled = await live(`${index + 1}`, { DASK_GATEWAY_FAIL_AT: step })
      assert.ok(wasKilled || sometimes.test(step), 'the gateway never came to that step')
    })
})

/** The whole life of a cluster, whatever happens to its gateway meanwhile. Returns whether that was killed. */
async function live(name: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const user = Number(name) % 2 === 0 ? 'alice' : 'bob'
  const gateway = new QueueGateway({ name, backend: 'jobqueue.slurm.SlurmBackend' })
  try {
    await gateway.start(env)
    const made = await gateway.create(user).catch((error: unknown) => {
      if (!gateway.isRunning) return null
      throw error
    })
    const names = Object.keys(await gateway.json<object>(user, ''))
    // One whose answer was lost is a cluster all the same; the client would see it in its list.
    const cluster = made ?? names[0] ?? (await gateway.create(user))
    for (const lost of names) if (lost !== cluster) await gateway.remove(user, lost)
    await gateway.becomes(user, cluster, 'RUNNING')
    for (const count of [2, 1]) {
      await gateway.scale(user, cluster, count)
      await gateway.until(
        `${count} workers`,
        async () => (await gateway.running(user, cluster)) === count,
      )
    }
    await gateway.remove(user, cluster)
    await gateway.becomes(user, cluster, 'STOPPED')
    await gateway.balance()
    return gateway.starts > 1
  } finally {
    await gateway.stop()
  }
}

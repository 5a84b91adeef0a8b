import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { QueueGateway } from './queue-gateway.ts'

/**
 * Makes the tests: a kill -9 of the gateway before and after each thing it does in the life of a cluster, then a new start. Each has a
 * gateway of its own, by its name, and several run at once. `sometimes`: steps that only come when things fall together in one way.
 * `only`: those that are tried; all, when absent.
 */
export async function killAtEachStep(
  makeGateway: (name: string) => QueueGateway,
  { sometimes, only = /./ }: { readonly sometimes: RegExp; readonly only?: RegExp },
): Promise<void> {
  const first = makeGateway('0')
  const path = `${first.directory}/steps`
  await live(first, '0', { DASK_GATEWAY_STEPS: path })
  const steps = [...new Set(readFileSync(path, 'utf8').trim().split('\n'))]

  test('a life comes to all that a backend is asked for', () => {
    for (const call of ['startScheduler', 'startWorkers', 'stopObjects', 'cleanUp'])
      assert.ok(steps.includes(`before ${call}`), call)
    assert.ok(steps.length > 30, `${steps.length} steps`)
  })

  describe('a kill -9', { concurrency: 6 }, () => {
    for (const [index, step] of steps.filter((each) => only.test(each)).entries())
      test(step, async () => {
        const name = `${index + 1}`
        const wasKilled = await live(makeGateway(name), name, { DASK_GATEWAY_FAIL_AT: step })
        assert.ok(wasKilled || sometimes.test(step), 'the gateway never came to that step')
      })
  })
}

/** The whole life of a cluster, whatever happens to its gateway meanwhile. Returns whether that was killed. */
async function live(gateway: QueueGateway, name: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const user = Number(name) % 2 === 0 ? 'alice' : 'bob'
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

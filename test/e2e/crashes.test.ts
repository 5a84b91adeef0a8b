import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { alsoSeen, fileFor, steps, withLife } from './crash-life.ts'

// A kill -9 of the gateway before and after each thing it does, then a new start: the books must balance. Every step that the whole
// life of a cluster comes to must stand in `steps`; the first test finds those that do not.

test('every step of a life has a case', async () => {
  await withLife('no crash', { DASK_GATEWAY_STEPS: fileFor('steps') }, async (life) => {
    await life.live()
    const seen = new Set(readFileSync(fileFor('steps'), 'utf8').trim().split('\n'))
    assert.deepEqual(
      [...seen].filter((step) => ![...steps, ...alsoSeen].includes(step)),
      [],
    )
    assert.deepEqual(
      steps.filter((step) => !seen.has(step)),
      [],
    )
  })
})

describe('a kill -9', { concurrency: 3 }, () => {
  for (const step of steps)
    test(step, async () => {
      await withLife(step, { DASK_GATEWAY_FAIL_AT: step }, async (life) => {
        const first = life.gateway
        await life.live()
        assert.equal(await first?.ended, 'SIGKILL', 'the gateway never came to that step')
      })
    })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Backend } from '../core/index.ts'
import { createLogger } from '../util/index.ts'
import { Observer } from './observer.ts'
import type { Records } from './records.ts'

test('who is woken again and again looks all the same', async () => {
  let looks = 0
  const observer = new Observer({
    records: {
      all() {
        looks += 1
        return []
      },
    } as unknown as Records,
    backend: {} as Backend,
    logger: createLogger({ level: 'error', format: 'text', write: () => {} }),
    wakeCluster: () => {},
    quietMs: 60_000,
  })
  observer.start()
  const end = performance.now() + 2000
  while (looks === 0 && performance.now() < end) {
    observer.wake()
    await delay(5)
  }
  await observer.stop()
  assert.ok(looks > 0)
})

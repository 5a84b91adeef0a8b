import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { WorkQueue } from './work-queue.ts'

test('a name is worked on by one at a time, and comes again when added meanwhile', async () => {
  let runs = 0
  let parallel = 0
  const release: (() => void)[] = []
  const queue = new WorkQueue(5, async () => {
    runs += 1
    parallel += 1
    assert.equal(parallel, 1)
    await new Promise<void>((resolve) => release.push(resolve))
    parallel -= 1
  })
  for (let i = 0; i < 3; i++) queue.add('a')
  assert.equal(runs, 1)
  queue.add('a')
  release.shift()?.()
  await waitFor('the second run', () => runs === 2)
  release.shift()?.()
  await queue.stop()
  assert.equal(runs, 2)
})

test('no more than so many names at once', async () => {
  let most = 0
  let active = 0
  let done = 0
  const queue = new WorkQueue(3, async () => {
    active += 1
    most = Math.max(most, active)
    await new Promise((resolve) => setImmediate(resolve))
    active -= 1
    done += 1
  })
  for (let i = 0; i < 20; i++) queue.add(`name-${i}`)
  await waitFor('all', () => done === 20)
  assert.equal(most, 3)
})

test('the earliest moment asked for counts, and a stop forgets the rest', async () => {
  const seen: string[] = []
  const queue = new WorkQueue(1, async (key) => {
    seen.push(key)
  })
  queue.addAt('late', performance.now() + 60_000)
  queue.addAt('late', performance.now() + 5)
  queue.addAt('later', performance.now() + 60_000)
  await waitFor('it', () => seen.length === 1)
  await queue.stop()
  queue.add('never')
  assert.deepEqual(seen, ['late'])
})

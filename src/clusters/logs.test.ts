import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Backend, ObjectRef } from '../core/index.ts'
import { keepLogs } from './logs.ts'
import type { Entry } from './records.ts'
import type { StepContext } from './step-context.ts'

const refs: readonly ObjectRef[] = ['w1', 'w2', 'w3'].map((workerName) => ({
  ...{ clusterName: 'c', username: 'alice', workerName, attemptId: `a-${workerName}` },
  ...{ createdAt: 0, handle: {} },
}))

async function keep(backend: Partial<Backend>) {
  const kept = new Map<string, string>()
  const warnings: string[] = []
  const entry = { cluster: { name: 'c' }, logEnds: new Map() } as unknown as Entry
  const context = {
    backend,
    logArchive: {
      put: async (_: string, name: string, bytes: Buffer) => void kept.set(name, bytes.toString()),
    },
    logger: { warn: (words: string) => void warnings.push(words) },
    signal: () => AbortSignal.timeout(60_000),
  } as unknown as StepContext
  const read: string[] = []
  await keepLogs(context, entry, refs, (ref, bytes) => read.push(`${ref.workerName}: ${bytes}`))
  return { kept: Object.fromEntries(kept), read, ends: Object.fromEntries(entry.logEnds), warnings }
}

const piece = (text: string, from = 0) => ({ from, bytes: Buffer.from(text) })

test('many logs are asked for at once, and what came before a failure is kept', async () => {
  let calls = 0
  const answer = await keep({
    async *lastPieces(_, asked) {
      calls += 1
      assert.deepEqual(asked, refs)
      yield ['a-w2', piece('two', 7)] as const
      yield ['a-other', piece('not asked for')] as const
      yield ['a-w1', piece('one')] as const
      throw new Error('the launcher was killed')
    },
    logs: () => assert.fail('not one by one'),
  })
  assert.equal(calls, 1)
  assert.deepEqual(answer, {
    kept: { w2: 'two', w1: 'one' },
    read: ['w2: two', 'w1: one'],
    ends: { w2: 10, w1: 3 },
    warnings: ['Logs could not be kept'],
  })
})

test('where each is asked for, one that cannot be read does not keep others from it', async () => {
  const answer = await keep({
    logs: async (_, { workerName }) => {
      if (workerName === 'w1') throw new Error('no')
      return workerName === 'w2' ? null : Buffer.from('three')
    },
  })
  assert.deepEqual(answer, {
    kept: { w3: 'three' },
    read: ['w3: three'],
    ends: { w3: 5 },
    warnings: ['A log could not be read'],
  })
})

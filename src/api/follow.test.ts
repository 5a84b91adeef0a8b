import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterService, FollowedLog } from '../clusters/index.ts'
import { feedPosition, lastLines, logOf } from './follow.ts'

const alice = { name: 'alice', groups: [], admin: false }

/** What a follower is sent of a log that is given in these pieces. */
async function followed(
  log: Buffer,
  cuts: readonly number[],
  start: Parameters<typeof logOf>[4],
): Promise<{ readonly ids: string[]; readonly from: number[]; readonly text: string }> {
  let known = 0
  const logPiece = async (...[, , , from, maxBytes]: Parameters<ClusterService['logPiece']>) => {
    const end = cuts[known++] ?? log.length
    const at = from ?? Math.max(0, end - maxBytes)
    const bytes = log.subarray(at, end)
    return { from: at, bytes, isOver: known > cuts.length } satisfies FollowedLog
  }
  const service = { logPiece } as unknown as ClusterService
  const source = logOf(service, alice, 'c', null, start)
  const seen = { ids: [] as string[], from: [] as number[], text: '' }
  for await (const { id, data } of source(new AbortController().signal)) {
    const { from, text } = data as { readonly from: number; readonly text: string }
    seen.ids.push(id)
    seen.from.push(from)
    seen.text += text
  }
  return seen
}

test('characters that are cut by a look come whole, wherever the cut is', async () => {
  const log = Buffer.from('a😀é€b\n')
  for (let cut = 1; cut < log.length; cut++) {
    const { text, ids } = await followed(log, [cut], 0)
    assert.equal(text, 'a😀é€b\n', `cut at ${cut}`)
    assert.equal(ids.at(-1), String(log.length))
  }
})

test('junk that only looks like the beginning of a character is not waited for at the end', async () => {
  const log = Buffer.from([0x61, 0xf0, 0x9f])
  assert.equal((await followed(log, [3], 0)).text, 'a\ufffd')
  const continuations = Buffer.alloc(10, 0x80)
  assert.equal((await followed(continuations, [], 0)).text.length, 10)
})

test('one begins with the last lines, or goes on where one was', async () => {
  const log = Buffer.from('one\ntwo\nthree\n')
  const begun = await followed(log, [], { tailLines: 2 })
  assert.deepEqual(begun, { ids: ['14'], from: [4], text: 'two\nthree\n' })
  assert.deepEqual(await followed(log, [], 8), { ids: ['14'], from: [8], text: 'three\n' })
  assert.equal(lastLines(Buffer.from('x\ny'), 1).toString(), 'y')
  assert.equal(lastLines(Buffer.from('\n\n'), 5).toString(), '\n\n')
})

test('only positions of ours are taken', () => {
  const epoch = 'a'.repeat(16)
  assert.deepEqual(feedPosition(`${epoch}-12`), { epoch, version: 12 })
  for (const id of [
    null,
    '',
    '12',
    `${epoch}-`,
    `${epoch}-1x`,
    `${epoch}--1`,
    `${'a'.repeat(17)}-1`,
  ])
    assert.equal(feedPosition(id), null)
})

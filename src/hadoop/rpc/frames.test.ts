import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFrameReader, frame } from './frames.ts'

test('frames are cut wherever the stream was', () => {
  const texts = ['', 'a', 'bc', 'x'.repeat(1000)]
  const stream = Buffer.concat(texts.map((text) => frame(Buffer.from(text))))
  for (const step of [1, 2, 3, 5, 7, 999, stream.length]) {
    const reader = createFrameReader(1000)
    const seen: string[] = []
    for (let at = 0; at < stream.length; at += step)
      for (const each of reader.push(stream.subarray(at, at + step))) seen.push(String(each))
    assert.deepEqual(seen, texts, `in steps of ${step}`)
  }
})

test('a frame beyond the limit is refused by its length alone', () => {
  assert.throws(
    () => createFrameReader(1000).push(Buffer.from('000003e9', 'hex')),
    /a message of 1001 bytes came; the limit is 1000/,
  )
})

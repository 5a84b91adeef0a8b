import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safeJson, safeLine, safeText } from './safe-text.ts'
import { cut, tableText, widthOf } from './table.ts'

const hostile = [
  ...['\x1b[2J', '\x1b]0;title\x07', '\x9b31m', '\x90q\x9c', '\r', '\b', '\x7f', '\x00'],
  ...['\u202e', '\u2066', '\u200b', '\u2028', '\ufeff', '\ud800', '\u{e0001}', '\u00ad'],
]

test('nothing that a terminal would obey is left of any text', () => {
  for (const text of hostile) {
    for (const safe of [safeLine(`a${text}b`), safeText(`a${text}b`), safeJson({ [text]: text })])
      assert.doesNotMatch(
        safe.replaceAll('\n', ''),
        /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u,
        JSON.stringify(text),
      )
    assert.deepEqual(JSON.parse(safeJson({ a: text })), { a: text })
  }
  assert.equal(safeLine('a\nb\tc'), 'a\\nb\\tc')
  assert.equal(safeText('a\nb\tc'), 'a\nb\tc')
})

test('letters of all scripts and emoji stay as they are', () => {
  for (const text of ['Zoë', '日本語', 'עברית', '👩‍🔬', '🏳️‍🌈', '"\\'])
    assert.equal(safeLine(text), text)
})

test('columns stand under each other, and are cut to the terminal', () => {
  const rows = [
    ['日本', '1'],
    ['👩‍🔬', '2'],
    ['\x1b[1m', '3'],
    ['x'.repeat(255), '4'],
  ]
  const [head = '', ...lines] = tableText(['NAME', 'N'], rows, null).trimEnd().split('\n')
  assert.equal(widthOf(head), 258)
  for (const line of lines) assert.equal(widthOf(line), 258)
  for (const line of tableText(['NAME', 'N'], rows, 40).trimEnd().split('\n'))
    assert.ok(widthOf(line) <= 40)
  assert.equal(cut('日本語', 5), '日本…')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLiteral, writeLiteral } from './python-literal.ts'

const literals: readonly [string, unknown][] = [
  ['8000', 8000],
  ['-1', -1],
  ['2.5e3', 2500],
  ['.5', 0.5],
  ['1_000', 1000],
  ['True', true],
  ['false', false],
  ['None', null],
  [' null ', null],
  ["'it''s'", undefined],
  ["'it\\'s\\n'", "it's\n"],
  ['"\\u00e9\\x41\\d"', 'éA\\d'],
  ["['a', 1, None,]", ['a', 1, null]],
  ['(1, 2)', [1, 2]],
  ['[]', []],
  ["{'a': {'b': [1]}, \"c\": 2}", { a: { b: [1] }, c: 2 }],
  ['{}', {}],
  [':8000', undefined],
  ['8000x', undefined],
  ['127.0.0.1', undefined],
  ['4 G', undefined],
  ['[1', undefined],
  ['[1 2]', undefined],
  ['{1: 2}', undefined],
  ['nothing', undefined],
  ['', undefined],
  ['['.repeat(60), undefined],
]

for (const [text, value] of literals)
  test(`parseLiteral(${text.slice(0, 40)})`, () => {
    assert.deepEqual(parseLiteral(text), value === undefined ? null : { value })
  })

test('what is written as Python reads back', () => {
  for (const value of [null, true, 1.5, 'a"\n', ['x', null], { a: { b: [false] } }])
    assert.deepEqual(parseLiteral(writeLiteral(value)), { value })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvText } from './csv.ts'

test('numbers and plain texts stay, what needs quotes has them, null is empty', () => {
  const rows = [
    ['alice', 1.5, null],
    ['a, "b"', -2, 'Zoë 日本'],
  ]
  assert.equal(
    csvText(['user', 'n', 'group'], rows),
    'user,n,group\r\nalice,1.5,\r\n"a, ""b""",-2,"Zoë 日本"\r\n',
  )
})

test('no text is a formula to a spreadsheet, or more than one cell', () => {
  for (const text of ['=1+1', '+1', '-1', '@x', '\t=1', ' =1', '＝1', '＠x', '\r=1', '\n=1']) {
    const line = csvText(['u'], [[text]]).slice(3)
    assert.match(line, /^"'[^"]*"\r\n$/, JSON.stringify(text))
  }
  for (const text of ['a\r\nb', 'a\u2028b', 'a\0b', 'a\x1b[2Jb', '\u202ea'])
    assert.doesNotMatch(csvText(['u'], [[text]]).slice(3, -2), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})

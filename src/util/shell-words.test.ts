import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { shellQuoted, shellWords } from './shell-words.ts'

const commands: readonly (readonly [string, readonly string[]])[] = [
  ['dask scheduler', ['dask', 'scheduler']],
  ['  dask\t worker \n', ['dask', 'worker']],
  [`'/opt/my env/bin/dask' worker`, ['/opt/my env/bin/dask', 'worker']],
  [`a"b c"'d e'f`, ['ab cd ef']],
  ['a\\ b \\"c\\"', ['a b', '"c"']],
  [`"a\\"b\\\\c\\d"`, ['a"b\\c\\d']],
  [`'' ""`, ['', '']],
  ['a \\\nb', ['a', 'b']],
  ['x#y', ['x#y']],
]

for (const [text, words] of commands)
  test(`${JSON.stringify(text)} has the words that a shell finds`, () => {
    assert.deepEqual(shellWords(text), words)
    const shell = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' })
    assert.deepEqual(shell.split('\0').slice(0, -1), words)
  })

test('nothing is expanded', () => {
  assert.deepEqual(shellWords('$HOME "$PATH" * `id` ~'), ['$HOME', '$PATH', '*', '`id`', '~'])
})

test('an open quote is an error', () => {
  for (const text of [`dask "worker`, `dask 'worker`, 'dask \\'])
    assert.throws(() => shellWords(text), SyntaxError)
})

test('what is quoted is read back', () => {
  const word = `it's "$HOME" \\ \n *`
  assert.deepEqual(shellWords(shellQuoted(word)), [word])
})

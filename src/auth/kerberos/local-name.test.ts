import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRule } from './local-name.ts'
import { parsePrincipal } from './principal.ts'

test('principals are read as the library writes them', () => {
  for (const [text, components, realm] of [
    ['alice@A.TEST', ['alice'], 'A.TEST'],
    ['alice/admin@A.TEST', ['alice', 'admin'], 'A.TEST'],
    ['a\\/b@A.TEST', ['a/b'], 'A.TEST'],
    ['alice\\@A.TEST@B.TEST', ['alice@A.TEST'], 'B.TEST'],
    ['a\\\\b\\n@A/B', ['a\\b\n'], 'A/B'],
    ['/@R', ['', ''], 'R'],
  ] as const)
    assert.deepEqual(parsePrincipal(text), { components, realm }, text)
  for (const text of ['', 'alice', 'alice@', 'a@b@c', 'a@b\\'])
    assert.equal(parsePrincipal(text), null, text)
})

for (const [rule, principal, name] of [
  ['DEFAULT', 'alice@A.TEST', 'alice'],
  ['DEFAULT', 'alice/admin@A.TEST', null],
  ['RULE:[1:$1]', 'alice@A.TEST', 'alice'],
  ['RULE:[1:$1]', 'alice/admin@A.TEST', null],
  ['RULE:[2:$1]', 'hdfs/host@A.TEST', 'hdfs'],
  ['RULE:[2:$2-$1-$0]', 'a/b@C', 'b-a-C'],
  ['RULE:[1:$1@$0](.*@A.TEST)s/@.*//', 'alice@A.TEST', 'alice'],
  ['RULE:[1:$1@$0](.*@A.TEST)s/@.*//', 'alice@B.TEST', null],
  // All of the text must match, not some of it.
  ['RULE:[1:$1@$0](lice@A)s/@.*//', 'alice@A.TEST', null],
  ['RULE:[2:$1;$2](^.*;admin$)s/;admin$//', 'alice/admin@A.TEST', 'alice'],
  ['RULE:[1:$1]s/o/0/', 'foo@R', 'f0o'],
  ['RULE:[1:$1]s/o/0/g', 'foo@R', 'f00'],
  ['RULE:[1:$1]s/f/g/s/o/0/g', 'foo@R', 'g00'],
  ['RULE:[1:$1]/L', 'Alice@R', 'alice'],
  ['RULE:[1:$1](A.*)s/A/B/g/L', 'Alice@R', 'blice'],
] as const) {
  test(`${rule} makes ${name} of ${principal}`, () => {
    const parsed = parsePrincipal(principal)
    assert.ok(parsed !== null)
    assert.equal(parseRule(rule)(parsed), name)
  })
}

test('what is no rule is refused', () => {
  for (const text of [
    '',
    'default',
    'RULE:',
    'RULE:[1:$1',
    'RULE:[x:$1]',
    'RULE:[1:$1]y',
    'RULE:[1:$1](*)',
  ])
    assert.throws(() => parseRule(text), Error, text)
})

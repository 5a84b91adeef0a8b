import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAuthenticator } from '../../test/contracts/authenticator.ts'
import { createSimpleAuthenticator } from './simple-authenticator.ts'

const basic = (text: string, encoding: BufferEncoding = 'utf8') =>
  `Basic ${Buffer.from(text, encoding).toString('base64')}`
const address = '192.0.2.7'

testAuthenticator('simple with a password', {
  create: () => createSimpleAuthenticator({ password: 'se:cret' }),
  good: { authorization: basic('alice:se:cret'), username: 'alice' },
  bad: [
    basic('alice:wrong'),
    basic('alice:'),
    basic('alice'),
    basic(':se:cret'),
    basic('al\nice:se:cret'),
    basic(`${'a'.repeat(256)}:se:cret`),
    basic('al\u202eice:se:cret'),
    'Basic !!!!',
    'Basic YWxpY2U6c2U6Y3JldA== trailing',
  ],
})

testAuthenticator('simple without a password', {
  create: () => createSimpleAuthenticator({ password: null }),
  good: { authorization: basic('alice:'), username: 'alice' },
  bad: [basic('alice'), basic(':x'), basic('a\0b:'), 'Basic YWxpY2U', 'BasicYWxpY2U6'],
})

for (const [what, authorization, name] of [
  ['Latin-1, as the Python client sends it', basic('jos\u00e9:x', 'latin1'), 'jos\u00e9'],
  ['UTF-8, as browsers send it', basic('jos\u00e9:x'), 'jos\u00e9'],
  ['another case of the scheme', basic('bob:x').replace('Basic', 'bAsIc'), 'bob'],
] as const) {
  test(`reads ${what}`, async () => {
    const it = createSimpleAuthenticator({ password: null })
    const result = await it.authenticate({ authorization, address })
    assert.ok(result.outcome === 'accepted')
    assert.equal(result.user.name, name)
  })
}

test('is open only without a password, and its form judges as its header does', async () => {
  assert.equal(createSimpleAuthenticator({ password: null }).open, true)
  const it = createSimpleAuthenticator({ password: 'secret' })
  assert.equal(it.open, false)
  assert.ok(it.login?.form === 'password')
  assert.equal((await it.login.check('alice', 'secret')).outcome, 'accepted')
  assert.equal((await it.login.check('alice', 'secre')).outcome, 'refused')
  assert.equal((await it.login.check('', 'secret')).outcome, 'refused')
})

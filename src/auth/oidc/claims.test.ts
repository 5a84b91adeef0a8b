import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Claims, lacks, userOfClaims } from './claims.ts'

const rules = { username_claim: 'name', groups_claim: 'groups', admin_claim: 'admin' }
const userOf = (claims: Claims, more: Partial<typeof rules> = {}) => {
  const result = userOfClaims(claims, { ...rules, ...more })
  return result.outcome === 'accepted' ? result.user : result.reason
}

for (const [name, why] of [
  ['alice', null],
  ['Alice', null],
  ['auth0|5f7c8ec7c33c6c004bbafe82', null],
  ['DOMAIN\\alice', null],
  ['team/alice', null],
  ['élise', null],
  ['🦀', null],
  ['а', null], // Cyrillic: a name of its own
  ['x'.repeat(255), null],
  ['x'.repeat(256), 'The user name is longer than 255 characters'],
  ['', 'The user name is empty'],
  [' alice', 'The user name has spaces around it'],
  ['alice\u00a0', 'The user name has spaces around it'],
  ['ali\nce', 'The user name holds control characters'],
  ['alice\u0000', 'The user name holds control characters'],
  ['alice\u200b', 'The user name holds control characters'],
  ['\u202eecila', 'The user name holds control characters'],
  ['\ud800', 'The user name holds control characters'],
  ['e\u0301lise', "The user name is not in Unicode's form NFC"],
  [7, 'You have no claim name to be named by'],
  [['alice'], 'You have no claim name to be named by'],
  [{}, 'You have no claim name to be named by'],
  [undefined, 'You have no claim name to be named by'],
] as const)
  test(`a user name of ${JSON.stringify(name)?.slice(0, 40)}`, () => {
    const expected = why ?? { name, groups: [], admin: false }
    assert.deepEqual(userOf({ name }), expected)
  })

test('an e-mail address is a name only when it is verified', () => {
  const by = { username_claim: 'email' }
  const email = 'alice@example.org'
  const no = 'Your e-mail address is not verified'
  assert.equal(userOf({ email }, by), no)
  for (const email_verified of [false, 'true', 1, null])
    assert.equal(userOf({ email, email_verified }, by), no)
  const user = { name: email, groups: [], admin: false }
  assert.deepEqual(userOf({ email, email_verified: true }, by), user)
})

for (const [claim, groups] of [
  [
    ['a', 'b', 'a'],
    ['a', 'b'],
  ],
  ['a,b', ['a,b']],
  [
    ['a,b', '/science/dask', 'Ärzte'],
    ['a,b', '/science/dask', 'Ärzte'],
  ],
  [['', 'x\n', null, 7, ['y'], { z: 1 }], []],
  [{ a: true }, []],
  [null, []],
  [undefined, []],
] as const)
  test(`groups of ${JSON.stringify(claim)}`, () => {
    assert.deepEqual(userOf({ name: 'alice', groups: claim }), {
      name: 'alice',
      groups,
      admin: false,
    })
  })

test('a claim may lie in others, and its whole name comes first', () => {
  const more = { groups_claim: 'realm_access.roles' }
  const inner = { name: 'x', realm_access: { roles: ['inner'] } }
  const groupsOf = (claims: Claims) => (userOf(claims, more) as { groups?: unknown }).groups
  assert.deepEqual(groupsOf(inner), ['inner'])
  assert.deepEqual(groupsOf({ ...inner, 'realm_access.roles': ['whole'] }), ['whole'])
  assert.deepEqual(groupsOf({ name: 'x', realm_access: ['roles'] }), [])
  assert.equal(
    userOf({}, { username_claim: 'constructor.name' }),
    'You have no claim constructor.name to be named by',
  )
})

test('true alone makes an administrator', () => {
  const isAdmin = (admin: unknown) => (userOf({ name: 'x', admin }) as { admin?: boolean }).admin
  assert.equal(isAdmin(true), true)
  for (const other of ['true', 1, ['true'], {}, null]) assert.equal(isAdmin(other), false)
})

test('the claims that are needed are those of the rules', () => {
  const none = { username_claim: 'sub', groups_claim: null, admin_claim: null }
  assert.equal(lacks({ sub: 'x' }, none), false)
  assert.equal(lacks({ sub: 'x' }, { ...none, groups_claim: 'groups' }), true)
  assert.equal(lacks({ sub: 'x', groups: [] }, { ...none, groups_claim: 'groups' }), false)
  assert.equal(lacks({ sub: 'x' }, { ...none, admin_claim: 'a.b' }), true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { otherName, targetAt } from '../../test/support/fake-dashboard.ts'
import { checkSession, issueSession, sessionLifetimeMs } from './session-token.ts'

const key = Buffer.alloc(32, 1)
const target = targetAt('http://127.0.0.1:1')
const token = issueSession(target, { visitor: 'owner', login: null }, key, 1_000)

test('a session holds for an hour and is known for its own afterwards', () => {
  assert.deepEqual(checkSession(token, target, key, 1_000), {
    visitor: 'owner',
    login: null,
    over: false,
  })
  const end = 1_000 + sessionLifetimeMs
  assert.deepEqual(checkSession(token, target, key, end - 1), {
    visitor: 'owner',
    login: null,
    over: false,
  })
  assert.deepEqual(checkSession(token, target, key, end), {
    visitor: 'owner',
    login: null,
    over: true,
  })
})

test('a session is of one cluster, one owner, one key, one kind and one hour', () => {
  const [, , expiry, , code] = token.split('.')
  assert.equal(checkSession(token, targetAt(null, otherName), key, 1_000), null)
  assert.equal(checkSession(token, { ...target, username: 'bob' }, key, 1_000), null)
  assert.equal(checkSession(token, target, Buffer.alloc(32, 2), 1_000), null)
  for (const forged of [
    ...[
      `s.admin.${expiry}..${code}`,
      `s.owner.z${expiry}..${code}`,
      `${token}A`,
      token.slice(0, -1),
    ],
    ...[
      '',
      's...',
      's.owner..',
      target.key,
      `s.owner.${expiry}..${'A'.repeat(43)}`,
      `s.owner.${expiry}.${'A'.repeat(43)}.${code}`,
    ],
  ])
    assert.equal(checkSession(forged, target, key, 1_000), null, forged)
})

test('a session says by which login it was given', () => {
  const login = 'L'.repeat(43)
  const given = issueSession(target, { visitor: 'admin', login }, key, 1_000)
  assert.deepEqual(checkSession(given, target, key, 1_000), {
    visitor: 'admin',
    login,
    over: false,
  })
  assert.equal(checkSession(given.replace(login, ''), target, key, 1_000), null)
})

test('a session is fit for a path and names nobody', () => {
  assert.match(token, /^[\w.-]+$/)
  assert.ok(!token.includes(target.username) && !token.includes(target.clusterName))
})

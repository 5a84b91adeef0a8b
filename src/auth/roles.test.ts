import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { test } from 'node:test'
import type { User } from '../core/index.ts'
import {
  createAdmission,
  createRoles,
  createSimpleAuthenticator,
  groupsOfNow,
  withRules,
} from './index.ts'
import { groupsOfSystem } from './system-groups.ts'

const nobody = {
  allowed_users: [],
  allowed_groups: [],
  admin_users: [],
  admin_groups: [],
  groups_from: 'authenticator',
} as const
const user = (name: string, groups: readonly string[] = [], admin = false): User => ({
  name,
  groups,
  admin,
})

test('administrators are those named, members of groups, and whom the authenticator calls so', () => {
  const roles = createRoles({ ...nobody, admin_users: ['boss'], admin_groups: ['ops'] })
  assert.equal(roles(user('boss')).admin, true)
  assert.equal(roles(user('alice', ['users', 'ops'])).admin, true)
  assert.equal(roles(user('hub-admin', [], true)).admin, true)
  for (const name of ['alice', 'Boss', 'boss ', 'ops', ''])
    assert.equal(roles(user(name, ['users'])).admin, false)
  assert.equal(createRoles(nobody)(user('boss')).admin, false)
})

test('groups of the system are those of an account of exactly that name', async () => {
  const own = userInfo().username
  const groups = execFileSync('id', ['-Gn', own], { encoding: 'utf8' }).trim().split(' ')
  assert.deepEqual(await groupsOfSystem(own), groups)
  // id(1) would take all of these for root, for an option or for nothing at all.
  for (const name of [
    '0',
    '+0',
    '-u',
    '--help',
    'no-such-account',
    'root:x',
    'a\0b',
    '',
    'r oot',
    'ROOT',
    '😀',
  ])
    assert.deepEqual(await groupsOfSystem(name), [], JSON.stringify(name))
})

test('groups_from = "os" gives them to who logs in by a header and by the form', async () => {
  const own = userInfo().username
  const authenticator = withRules(createSimpleAuthenticator({ password: null }), {
    ...nobody,
    groups_from: 'os',
  })
  const authorization = `Basic ${Buffer.from(`${own}:x`).toString('base64')}`
  const byHeader = await authenticator.authenticate({ authorization, address: '127.0.0.1' })
  assert.ok(byHeader.outcome === 'accepted')
  assert.deepEqual(byHeader.user.groups, await groupsOfSystem(own))
  assert.ok(authenticator.login?.form === 'password')
  const byForm = await authenticator.login.check(own, 'x')
  assert.ok(byForm.outcome === 'accepted')
  assert.deepEqual(byForm.user.groups, byHeader.user.groups)
  const none = withRules(createSimpleAuthenticator({ password: null }), nobody)
  const plain = await none.authenticate({ authorization, address: '127.0.0.1' })
  assert.ok(plain.outcome === 'accepted')
  assert.deepEqual(plain.user.groups, [])
})

test('who may come: everybody, or those named, members of groups, and administrators by name', async () => {
  assert.equal(createAdmission(nobody)(user('anybody')), true)
  const some = { ...nobody, allowed_users: ['alice', 'José'], allowed_groups: ['lab, north'] }
  const isAllowed = createAdmission({ ...some, admin_users: ['boss'], admin_groups: ['ops'] })
  for (const each of [
    user('alice'),
    user('José'),
    user('bob', ['x', 'lab, north']),
    user('boss'),
    user('carol', ['ops']),
  ])
    assert.equal(isAllowed(each), true, each.name)
  // Look-alikes, other cases and other forms of Unicode are other people; so are administrators of somebody else's.
  for (const each of [
    user('Alice'),
    user('\u0430lice'),
    user('alice '),
    user('Jose\u0301'),
    user('bob', ['lab', 'north']),
    user('hub-admin', [], true),
    user(''),
  ])
    assert.equal(isAllowed(each), false, JSON.stringify(each))
})

test('who may not come is told so by the header and by the form', async () => {
  const rules = { ...nobody, allowed_users: ['alice'] }
  const authenticator = withRules(createSimpleAuthenticator({ password: null }), rules)
  const authorization = `Basic ${Buffer.from('bob:x').toString('base64')}`
  const refused = { outcome: 'refused', reason: 'User bob may not use this gateway' }
  assert.deepEqual(
    await authenticator.authenticate({ authorization, address: '127.0.0.1' }),
    refused,
  )
  assert.ok(authenticator.login?.form === 'password')
  assert.deepEqual(await authenticator.login.check('bob', 'x'), refused)
  assert.equal((await authenticator.login.check('alice', 'x')).outcome, 'accepted')
})

test('the owner of a token has the groups of the system as they are now', async () => {
  const own = userInfo().username
  const before = user(own, ['a group of last year'])
  const now = await groupsOfNow({ ...nobody, groups_from: 'os' })(before)
  assert.deepEqual(now.groups, await groupsOfSystem(own))
  assert.equal(await groupsOfNow(nobody)(before), before)
})

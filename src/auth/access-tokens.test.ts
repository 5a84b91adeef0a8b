import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordingLogger } from '../../test/contracts/store-files.ts'
import { MemoryStore } from '../../test/fakes/memory-store.ts'
import type { AccessToken, TokenMaker, TokenScope } from '../core/index.ts'
import { createAccessTokens } from './index.ts'

const day = 24 * 3600

async function start(maxAge: number | null = null, store = new MemoryStore()) {
  const clock = { now: Date.UTC(2030, 0, 1) }
  const lines: string[] = []
  const logger = recordingLogger(lines)
  const tokens = await createAccessTokens(store, { maxAge }, logger, () => clock.now)
  const make = async (
    name: string,
    scope: TokenScope = 'manage',
    lifeSeconds?: number | null,
    maker: TokenMaker = makerOf('alice'),
  ) => tokens.create({ name, scope, lifeSeconds }, maker)
  return { clock, store, tokens, make, lines }
}

function makerOf(name: string, token: AccessToken | null = null, admin = false): TokenMaker {
  const user = { name, groups: ['g'], admin }
  return { user, proved: { ...user, admin: false }, token }
}

test('a secret is random, recognisable, and nowhere in the store', async () => {
  const { store, tokens, make } = await start()
  const first = await make('one')
  const second = await make('two')
  assert.match(first.secret, /^dgt_[A-Za-z0-9_-]{43}$/)
  assert.notEqual(first.secret, second.secret)
  assert.deepEqual(tokens.find(first.secret), first.token)
  assert.ok(!JSON.stringify([...store.tokens]).includes(first.secret.slice(4)))
  for (const wrong of ['', 'dgt_', first.secret.slice(0, -1), `${first.secret}x`, first.token.id])
    assert.equal(tokens.find(wrong), null)
  const changed = first.secret.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
  assert.equal(tokens.find(changed), null)
})

test('a restart keeps them, and none is known by its end', async () => {
  const { clock, store, make } = await start()
  const { secret, token } = await make('short', 'read', 3600)
  const restarted = await start(null, store)
  assert.deepEqual(restarted.tokens.find(secret), token)
  restarted.clock.now = clock.now + 3600_000
  assert.equal(restarted.tokens.find(secret), null)
  assert.equal(restarted.tokens.holds(token.id), false)
  assert.equal(restarted.tokens.list('alice').length, 1)
  await restarted.make('short')
  assert.equal(restarted.tokens.list('alice').length, 1)
})

test('a limit of their life counts for those made before it, and a clock that is a day wrong ends none for good', async () => {
  const { clock, store, make } = await start()
  const { secret } = await make('for ever', 'manage', null)
  const limited = await start(3600, store)
  assert.equal(limited.tokens.find(secret)?.expiresAt, clock.now + 3600_000)
  limited.clock.now += 24 * 3600_000
  assert.equal(limited.tokens.find(secret), null)
  assert.ok((await start(null, store)).tokens.find(secret) !== null)
  await assert.rejects(limited.make('x', 'read', null), {
    code: 'invalid',
    message: /not for ever/,
  })
  await assert.rejects(limited.make('x', 'read', 3601), { code: 'invalid' })
  const { token } = await limited.make('x', 'read')
  assert.equal(token.expiresAt, limited.clock.now + 3600_000)
  await assert.rejects((await start(0)).make('x'), { code: 'forbidden', message: /has no tokens/ })
  for (const life of [0, -1, 59, Number.NaN, Number.POSITIVE_INFINITY, 1e300])
    await assert.rejects(make('x', 'read', life), { code: 'invalid' })
})

test('a token makes none that is wider or lives longer, and takes with it what it made', async () => {
  const { tokens, make } = await start()
  const root = makerOf('alice', null, true)
  await assert.rejects(make('a', 'admin'), { code: 'forbidden', message: /no administrator/ })
  const admin = await make('a', 'admin', null, root)
  const parent = await make('p', 'manage', 10 * day, makerOf('alice', admin.token, true))
  const by = makerOf('alice', parent.token, true)
  await assert.rejects(make('c', 'admin', day, by), { code: 'forbidden' })
  await assert.rejects(make('c', 'manage', null, by), { code: 'forbidden' })
  await assert.rejects(make('c', 'manage', 11 * day, by), { code: 'forbidden' })
  const child = await make('c', 'manage', undefined, by)
  assert.equal(child.token.expiresAt, parent.token.expiresAt)
  const grandchild = await make('g', 'read', day, makerOf('alice', child.token))
  const other = await make('o')
  await tokens.revoke(parent.token.id, 'alice')
  for (const { secret } of [parent, child, grandchild]) assert.equal(tokens.find(secret), null)
  for (const { secret } of [admin, other]) assert.ok(tokens.find(secret) !== null)
})

test('names are not given twice, not at the same moment either, and a user has a hundred at most', async () => {
  const { tokens, make } = await start()
  const both = await Promise.allSettled([make('same'), make('same')])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const bob = makerOf('bob')
  await make('same', 'read', day, bob)
  for (let count = 1; count < 100; count++) await make(`n${count}`)
  await assert.rejects(make('more'), { code: 'conflict', message: /100 tokens/ })
  const [mine] = tokens.list('bob')
  await assert.rejects(tokens.revoke(mine?.id ?? '', 'alice'), { code: 'not-found' })
  await assert.rejects(tokens.revoke('nothing', null), { code: 'not-found' })
  assert.equal(tokens.list(null).length, 101)
})

test('the last use is kept once a minute, and a store that fails holds nobody up', async () => {
  const { clock, store, tokens, make, lines } = await start()
  const { secret, token } = await make('x')
  const use = () => {
    const found = tokens.find(secret)
    assert.ok(found !== null)
    tokens.used(found)
    return tokens.find(secret)?.lastUsedAt
  }
  const first = clock.now
  assert.equal(use(), first)
  clock.now += 59_000
  assert.equal(use(), first)
  clock.now += 1000
  store.failing = true
  assert.equal(use(), clock.now)
  await new Promise(setImmediate)
  assert.match(lines.join(), /use of a token could not be recorded: disk full/)
  await assert.rejects(tokens.revoke(token.id, 'alice'), /disk full/)
  assert.ok(tokens.find(secret) !== null)
  clock.now = first - 1e9
  store.failing = false
  assert.equal(use(), clock.now)
})

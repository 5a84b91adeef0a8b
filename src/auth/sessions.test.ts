import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger, Session, SessionStore, User } from '../core/index.ts'
import { createSessions } from './sessions.ts'

const alice: User = { name: 'alice', groups: [], admin: false }
const settings = { cookieName: 'gateway', cacheMaxAge: 300, sessionMaxAge: 3600 }

function createStore() {
  const kept = new Map<string, Session>()
  let writes = 0
  const store: SessionStore = {
    loadSessions: async (now) =>
      [...kept]
        .filter(([, session]) => session.expiresAt > now)
        .map(([hash, session]) => ({ hash, session })),
    async putSession(hash, session) {
      writes++
      kept.set(hash, session)
    },
    async removeSession(hash) {
      kept.delete(hash)
    },
    async removeExpiredSessions(now) {
      for (const [hash, session] of kept) if (session.expiresAt <= now) kept.delete(hash)
    },
  }
  return { store, kept, writes: () => writes }
}

function createLogger() {
  const warnings: string[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (message) => void warnings.push(message),
    error() {},
    with: () => logger,
  }
  return { logger, warnings }
}

function createClock() {
  let time = 1_000_000
  const advance = (ms: number) => {
    time += ms
  }
  return { now: () => time, advance }
}

test('a session is found by its value until its time is over, and only its hash is stored', async () => {
  const { store, kept } = createStore()
  const clock = createClock()
  const sessions = await createSessions(store, settings, createLogger().logger, clock.now)
  const { value, maxAgeSeconds } = await sessions.create(alice, 'login')
  assert.match(value, /^[0-9a-f]{32}$/)
  assert.equal(maxAgeSeconds, 3600)
  assert.deepEqual(sessions.find(value)?.user, alice)
  assert.match([...kept.keys()].join(), /^[0-9a-f]{64}$/)
  assert.ok(!JSON.stringify([...kept]).includes(value))
  clock.advance(3_600_000)
  assert.equal(sessions.find(value), null)
})

test('what is no value of ours is found nowhere', async () => {
  const sessions = await createSessions(createStore().store, settings, createLogger().logger)
  for (const value of ['', 'x', '0'.repeat(32), `${'0'.repeat(32)}\n`, 'A'.repeat(32)])
    assert.equal(sessions.find(value), null)
})

test('sessions survive a restart, and their end too', async () => {
  const { store } = createStore()
  const { logger } = createLogger()
  const before = await createSessions(store, settings, logger)
  const kept = await before.create(alice, 'login')
  const ended = await before.create(alice, 'login')
  await before.end(ended.value)
  assert.equal(before.find(ended.value), null)
  const after = await createSessions(store, settings, logger)
  assert.deepEqual(after.find(kept.value)?.user, alice)
  assert.equal(after.find(ended.value), null)
})

test('a program that sends its header each time gets the same session and costs one write', async () => {
  const { store, writes } = createStore()
  const clock = createClock()
  const sessions = await createSessions(store, settings, createLogger().logger, clock.now)
  const first = await sessions.create(alice, 'header')
  clock.advance(100_000)
  const second = await sessions.create(alice, 'header')
  assert.equal(second.value, first.value)
  assert.equal(second.maxAgeSeconds, 200)
  assert.equal(writes(), 1)
  clock.advance(100_000)
  const third = await sessions.create(alice, 'header')
  assert.notEqual(third.value, first.value)
  assert.equal(third.maxAgeSeconds, 300)
  assert.ok(sessions.find(first.value) !== null)
})

test('an ended session is not given out again, and new groups make a new one', async () => {
  const sessions = await createSessions(createStore().store, settings, createLogger().logger)
  const first = await sessions.create(alice, 'header')
  const admin = await sessions.create({ ...alice, admin: true }, 'header')
  assert.notEqual(admin.value, first.value)
  await sessions.end(first.value)
  assert.notEqual((await sessions.create(alice, 'header')).value, first.value)
})

test("a user's thousand-and-first session ends the oldest", async () => {
  const { store, kept } = createStore()
  const sessions = await createSessions(store, settings, createLogger().logger)
  const first = await sessions.create(alice, 'login')
  const second = await sessions.create(alice, 'login')
  for (let count = 2; count <= 1000; count++) await sessions.create(alice, 'login')
  assert.equal(sessions.find(first.value), null)
  assert.ok(sessions.find(second.value) !== null)
  assert.equal(kept.size, 1000)
})

test('sessions that are over leave the store', async () => {
  const { store, kept } = createStore()
  const clock = createClock()
  const sessions = await createSessions(store, settings, createLogger().logger, clock.now)
  await sessions.create(alice, 'header')
  clock.advance(301_000)
  await sessions.create({ ...alice, name: 'bob' }, 'header')
  assert.deepEqual(
    [...kept.values()].map((each) => each.user.name),
    ['bob'],
  )
})

test('whose sessions there are is known, after a restart too', async () => {
  const { store } = createStore()
  const { logger } = createLogger()
  const sessions = await createSessions(store, settings, logger)
  const { value } = await sessions.create(alice, 'login')
  await sessions.create({ ...alice, name: 'bob' }, 'header')
  assert.deepEqual([...(await createSessions(store, settings, logger)).users()], ['alice', 'bob'])
  await sessions.end(value)
  assert.deepEqual([...sessions.users()], ['bob'])
})

test('a store that cannot be written costs a warning, not the login', async () => {
  const { store } = createStore()
  const { logger, warnings } = createLogger()
  const broken = { ...store, putSession: () => Promise.reject(new Error('disk full')) }
  const sessions = await createSessions(broken, settings, logger)
  const { value } = await sessions.create(alice, 'login')
  assert.deepEqual(sessions.find(value)?.user, alice)
  assert.match(warnings.join(), /disk full/)
})

test('a session is known by an id that opens nothing, over a restart too, until it ends', async () => {
  const { store } = createStore()
  const { logger } = createLogger()
  const { now, advance } = createClock()
  const before = await createSessions(store, settings, logger, now)
  const { value } = await before.create(alice, 'login')
  const id = before.idOf(value)
  assert.match(id, /^[\w-]{43}$/)
  assert.equal(before.find(id), null)
  const sessions = await createSessions(store, settings, logger, now)
  assert.ok(sessions.isOpen(id))
  const ended: string[] = []
  sessions.onEnd((each) => ended.push(each))
  await sessions.end(value)
  assert.ok(!sessions.isOpen(id))
  assert.deepEqual(ended, [id])
  const short = await sessions.create(alice, 'login')
  advance(3600_000)
  assert.ok(!sessions.isOpen(sessions.idOf(short.value)))
})

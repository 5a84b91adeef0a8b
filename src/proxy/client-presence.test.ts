import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PresenceBoard } from './client-presence.ts'

function board() {
  const clock = { now: 1000 }
  const it = new PresenceBoard(() => clock.now)
  const told = (proxy: string, open: { readonly [cluster: string]: number } = {}) =>
    it.report(proxy, new Map(Object.entries(open)))
  return { it, clock, told }
}

test('clients are counted over all proxies, and the time without them begins at the last one seen', () => {
  const { it, clock, told } = board()
  it.add('a')
  it.proxyCame('p')
  it.proxyCame('q')
  assert.deepEqual(it.of('a'), { state: 'unknown' })
  told('p', { a: 2 })
  told('q', { a: 1 })
  assert.deepEqual(it.of('a'), { state: 'connected', count: 3 })
  clock.now = 9000
  told('p')
  clock.now = 10_000
  told('q')
  assert.deepEqual(it.of('a'), { state: 'none', since: 10_000 })
  clock.now = 20_000
  told('p', { a: 0 }) // one came and went between two reports
  assert.deepEqual(it.of('a'), { state: 'none', since: 20_000 })
  assert.deepEqual(it.of('never routed'), { state: 'unknown' })
})

test('nothing is known without a proxy, and while one is away, new or silent', () => {
  const { it, clock, told } = board()
  it.add('a')
  assert.deepEqual(it.of('a'), { state: 'unknown' })
  it.proxyCame('p')
  told('p')
  clock.now = 2000
  assert.deepEqual(it.of('a'), { state: 'none', since: 1000 })
  it.proxyLeft('p')
  assert.deepEqual(it.of('a'), { state: 'unknown' })
  clock.now = 30_000
  it.proxyCame('p')
  assert.deepEqual(it.of('a'), { state: 'unknown' })
  told('p')
  assert.deepEqual(it.of('a'), { state: 'none', since: 30_000 })
  clock.now = 80_000 // silent for longer than a proxy may be
  assert.deepEqual(it.of('a'), { state: 'unknown' })
  told('p')
  assert.deepEqual(it.of('a'), { state: 'none', since: 80_000 })
})

test('a restarted proxy has another name: the old one is unknown for an hour, then gone', () => {
  const { it, clock, told } = board()
  it.add('a')
  it.proxyCame('p-1')
  told('p-1', { a: 1 })
  it.proxyLeft('p-1')
  it.proxyCame('p-2')
  told('p-2')
  assert.deepEqual(it.of('a'), { state: 'unknown' })
  clock.now += 3_600_000
  told('p-2')
  assert.deepEqual(it.of('a'), { state: 'none', since: clock.now })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Authenticator, Logger } from '../core/index.ts'
import { skeletonOf, withoutLookAlikes } from './look-alikes.ts'

for (const [name, other] of [
  ['alice', 'Alice'],
  ['alice', 'аlice'], // Cyrillic а
  ['bob', 'ВОВ'], // all of it Cyrillic
  ['nikos', 'ΝΙΚΟs'], // Greek but for the s
  ['fin', 'ﬁn'], // a ligature
  ['alice', 'ａｌｉｃｅ'], // full width
  ['ivan', 'ıvan'], // without a dot
  ['kelvin', '\u212Aelvin'], // the sign of the unit
] as const)
  test(`${name} and ${other} look alike`, () => {
    assert.notEqual(name, other)
    assert.equal(skeletonOf(name), skeletonOf(other))
  })

test('other names do not', () => {
  const names = [
    'alice',
    'alicea',
    'al1ce',
    'élise',
    'elise',
    'a/b',
    'a,b',
    'ab',
    '🦀',
    'иван',
    'ivan',
  ]
  assert.equal(new Set(names.map(skeletonOf)).size, names.length)
})

function start(inUse: () => Iterable<string>, open = false) {
  const lines: string[] = []
  const log = (message: string, fields?: object) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = { debug: log, info: log, warn: log, error: log, with: () => logger }
  const inner: Authenticator = {
    challenge: 'Basic',
    login: null,
    open,
    async start() {},
    async stop() {},
    authenticate: async ({ authorization }) => ({
      outcome: 'accepted',
      user: { name: authorization ?? '', groups: [], admin: false },
    }),
  }
  let time = 0
  const guarded = withoutLookAlikes(inner, inUse, logger, () => time)
  return {
    lines,
    pass: (ms: number) => {
      time += ms
    },
    comesIn: async (authorization: string) =>
      (await guarded.authenticate({ authorization, address: '' })).outcome === 'accepted',
  }
}

test('whoever comes first has the name, as long as they are here', async () => {
  let names = ['carol']
  const { comesIn, pass, lines } = start(() => names)
  assert.deepEqual([await comesIn('alice'), await comesIn('alice')], [true, true])
  assert.equal(await comesIn('Alice'), false)
  assert.match(lines.join(), /looks like that of another {"name":"Alice","holder":"alice"}/)
  assert.equal(await comesIn('CAROL'), false)
  names = ['Carol', 'alice']
  pass(60_000)
  assert.equal(await comesIn('Carol'), true)
  assert.equal(await comesIn('carol'), false)
  assert.equal(await comesIn('Alice'), false)
})

test('those who are here already stay, alike or not', async () => {
  const { comesIn } = start(() => ['dave', 'Dave'])
  assert.deepEqual([await comesIn('dave'), await comesIn('Dave')], [true, true])
  assert.equal(await comesIn('DAVE'), false)
})

test('where anybody may be anybody, names may be alike', async () => {
  const { comesIn } = start(() => ['alice'], true)
  assert.equal(await comesIn('Alice'), true)
})

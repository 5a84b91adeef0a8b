import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHtpasswd } from './parse-htpasswd.ts'

const hash = (cost = '10', version = '2y') => `$${version}$${cost}$${'a'.repeat(53)}`

test('lines of htpasswd are read, with comments, empty lines, and any of the names of bcrypt', () => {
  const text = `\ufeff# people\n\nalice:${hash()}\r\nbob:${hash('12', '2b')}:more\n  \nJosé Ñ:${hash('04', '2a')}`
  assert.deepEqual(
    [...parseHtpasswd(text)],
    [
      ['alice', hash()],
      ['bob', hash('12', '2b')],
      ['José Ñ', hash('04', '2a')],
    ],
  )
})

test('a line that is no good is named, and what it is; a hash never', () => {
  const secret = '$apr1$secretsalt$secrethash'
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /it has no user/],
    ['# only\n', /it has no user/],
    ['alice', /line 1 is none of NAME:HASH/],
    [
      `ok:${hash()}\nalice:${secret}`,
      /line 2: the password of "alice" is no hash of bcrypt: .*htpasswd -B/,
    ],
    [`alice:{SHA}${secret}`, /line 1: the password of "alice" is no hash/],
    ['alice:password', /no hash of bcrypt/],
    ['alice:', /no hash of bcrypt/],
    [`alice:${hash()}x`, /no hash of bcrypt/],
    [`alice:${hash('03')}`, /cost 3, and 4 to 15/],
    [`alice:${hash('31')}`, /cost 31, and 4 to 15/],
    [`:${hash()}`, /line 1: The user name is empty/],
    [` alice:${hash()}`, /spaces around it/],
    [`a\u202eb:${hash()}`, /line 1: The user name holds control characters/],
    [`Jose\u0301:${hash()}`, /not in Unicode's form NFC/],
    [`${'x'.repeat(256)}:${hash()}`, /longer than 255/],
    [`alice:${hash()}\nalice:${hash('11')}`, /line 2: "alice" is on line 1 already/],
    [`alice:${hash()}\n\nAlice:${hash()}`, /line 3: "Alice" and "alice" on line 1 look alike/],
    [`alice:${hash()}\nａlice:${hash()}`, /look alike/],
    [`ﬁn:${hash()}\nfin:${hash()}`, /look alike/],
  ]
  for (const [text, message] of cases)
    assert.throws(
      () => parseHtpasswd(text),
      (error: Error) => {
        assert.match(error.message, message)
        assert.ok(!/secret|aaaaaa/.test(error.message))
        return true
      },
      text.slice(0, 40),
    )
})

test('fifty thousand users are read in a moment', () => {
  const text = Array.from({ length: 50_000 }, (_, n) => `user${n}:${hash()}`).join('\n')
  const began = performance.now()
  assert.equal(parseHtpasswd(text).size, 50_000)
  assert.ok(performance.now() - began < 5000)
})

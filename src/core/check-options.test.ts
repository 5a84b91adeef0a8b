import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkOptions } from './check-options.ts'
import { GatewayError } from './errors.ts'
import type { Json } from './json.ts'
import type { OptionField } from './options.ts'

// Written by the old server's own options module (make-option-errors.py beside it).
const recorded = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../test/configuration/fixtures/option-errors.json'),
    'utf8',
  ),
) as {
  readonly fields: readonly OptionField[]
  readonly cases: readonly {
    readonly request: string
    readonly value?: Json
    readonly error?: string
  }[]
}

test('every request has the outcome that the old server has', () => {
  let compared = 0
  for (const { request, value, error } of recorded.cases) {
    compared += 1
    const options = () => checkOptions(recorded.fields, JSON.parse(request))
    if (error === undefined) assert.deepEqual(options(), value, request)
    else
      assert.throws(
        options,
        (thrown) => {
          assert.ok(thrown instanceof GatewayError)
          assert.equal(thrown.code, 'invalid')
          assert.equal(thrown.message, error, request)
          return true
        },
        request,
      )
  }
  assert.ok(compared > 300, `${compared} compared`)
})

test('a whole float is an integer, since JSON.parse cannot tell them apart', () => {
  assert.equal(checkOptions(recorded.fields, JSON.parse('{"cores":2.0}')).cores, 2)
})

test('options that are not there at all are no dict', () => {
  assert.throws(() => checkOptions(recorded.fields, undefined), /options must be a dict/)
})

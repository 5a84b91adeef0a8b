import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecurityContext } from '../../kerberos/index.ts'
import { HadoopError } from '../errors.ts'
import { answerGssOffer } from './gssapi.ts'
import type { Protection } from './protection.ts'

/** Wraps by a first byte that says whether it is encrypted. Real contexts are in the tests on real daemons. */
const context: SecurityContext = {
  step: () => assert.fail('no step'),
  names: () => assert.fail('no names'),
  wrap: (bytes, confidential) => Buffer.concat([Buffer.from([confidential ? 1 : 0]), bytes]),
  unwrap(token) {
    if ((token[0] ?? 2) > 1) throw new Error('changed')
    return { bytes: Buffer.from(token.subarray(1)), confidential: token[0] === 1 }
  },
  close: () => undefined,
}
const answer = (offer: string, ...protections: readonly Protection[]) =>
  answerGssOffer(Buffer.from(`00${offer}`, 'hex'), context, protections)

test('the first configured protection that is offered is chosen', () => {
  assert.equal(answer('01010000', 'authentication').response.toString('hex'), '0001000000')
  assert.equal(answer('01010000', 'authentication').layer, null)
  assert.equal(answer('07010000', 'integrity', 'privacy').response.toString('hex'), '0002010000')
  assert.equal(
    answer('07010000', 'privacy', 'authentication').response.toString('hex'),
    '0004010000',
  )
})

test('nothing weaker is', () => {
  for (const [offer, wanted, words] of [
    ['01010000', 'privacy', /offers authentication, but the configured protection is privacy/],
    ['02010000', 'privacy', /offers integrity, but/],
    ['03010000', 'privacy', /offers authentication, integrity, but/],
    ['04010000', 'authentication', /offers privacy, but/],
    ['00010000', 'authentication', /offers nothing, but/],
  ] as const)
    assert.throws(() => answer(offer, wanted), words)
  assert.throws(() => answer('0401', 'privacy'), /has not four bytes/)
  assert.throws(() => answerGssOffer(Buffer.from('ff', 'hex'), context, ['privacy']), HadoopError)
})

test('with privacy what comes unencrypted is refused', () => {
  const privacy = answer('04010000', 'privacy').layer
  assert.equal(privacy?.wrap(Buffer.from('a')).toString('hex'), '0161')
  assert.equal(privacy?.unwrap(Buffer.from('0161', 'hex')).toString(), 'a')
  assert.throws(() => privacy?.unwrap(Buffer.from('0061', 'hex')), /should encrypt/)
  const integrity = answer('02010000', 'integrity').layer
  assert.equal(integrity?.wrap(Buffer.from('a')).toString('hex'), '0061')
  assert.throws(() => integrity?.unwrap(Buffer.from('0261', 'hex')), /was changed/)
})

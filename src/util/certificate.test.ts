import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { createKeyPair } from './certificate.ts'
import { integer, objectId, time } from './der.ts'

test('a pair is its own authority, for the names given, from yesterday for ten years', async () => {
  const { certPem, keyPem } = await createKeyPair(['0123abc', 'dask-internal'])
  const certificate = new X509Certificate(certPem)
  assert.ok(certificate.verify(certificate.publicKey))
  assert.ok(certificate.checkPrivateKey(createPrivateKey(keyPem)))
  assert.ok(certificate.checkIssued(certificate))
  assert.equal(certificate.ca, true)
  assert.equal(certificate.subject, 'CN=dask-internal')
  assert.equal(certificate.subjectAltName, 'DNS:0123abc, DNS:dask-internal')
  const years = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 31_557_600e3
  assert.ok(Math.abs(years - 10) < 0.01)
  assert.ok(Math.abs(Date.now() - 86400e3 - Date.parse(certificate.validFrom)) < 60_000)
  createSecureContext({ cert: certPem, key: keyPem, ca: certPem })
  assert.match(keyPem, /^-----BEGIN PRIVATE KEY-----\n/)
  assert.match(certPem, /\n-----END CERTIFICATE-----\n$/)
})

test('no two have the same key or number', async () => {
  const [one, other] = await Promise.all([createKeyPair(['a']), createKeyPair(['a'])])
  assert.notEqual(one.keyPem, other.keyPem)
  const numbers = [one, other].map(({ certPem }) => new X509Certificate(certPem).serialNumber)
  assert.notEqual(numbers[0], numbers[1])
})

// Worked examples: X.690, 8.3 and 8.19; RFC 5280, section 4.1.2.5.
for (const [value, hex] of [
  [integer(Buffer.from([0])), '020100'],
  [integer(Buffer.from([0x00, 0x7f])), '02017f'],
  [integer(Buffer.from([0x80])), '02020080'],
  [objectId('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  [time(Date.UTC(2049, 11, 31, 23, 59, 59)), '170d3439313233313233353935395a'],
  [time(Date.UTC(2050, 0, 1)), '180f32303530303130313030303030305a'],
] as const)
  test(`DER: ${hex}`, () => assert.equal(value.toString('hex'), hex))

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNetworks, plainAddress } from './client.ts'

test('networks and addresses of both families', () => {
  const list = parseNetworks('DaskGateway.trusted_proxies', ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'])
  assert.ok(list.check('10.200.0.1', 'ipv4'))
  assert.ok(list.check('fd12::1', 'ipv6'))
  assert.ok(list.check('192.0.2.7', 'ipv4'))
  assert.ok(!list.check('192.0.2.8', 'ipv4'))
})

for (const wrong of ['', 'proxy.example', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/', 'fd00::/129']) {
  test(`${JSON.stringify(wrong)} is no network`, () => {
    assert.throws(() => parseNetworks('DaskGateway.trusted_proxies', [wrong]), {
      code: 'configuration',
      message: `DaskGateway.trusted_proxies: ${JSON.stringify(wrong)} is no network: write "10.0.0.0/8", "fd00::/8" or an address.`,
    })
  })
}

test('an address of a dual-stack socket is shown plainly', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkFileSystemName, networkFileSystemOf } from './file-system.ts'

test('network file systems are known by the type of statfs(2), signed or not', () => {
  assert.equal(networkFileSystemName(0x6969), 'nfs')
  assert.equal(networkFileSystemName(0xff534d42), 'cifs')
  assert.equal(networkFileSystemName(0xff534d42 | 0), 'cifs')
  assert.equal(networkFileSystemName(0x0bd00bd0), 'lustre')
  assert.equal(networkFileSystemName(0x65735546), 'fuse')
  assert.equal(networkFileSystemName(0xef53), null)
  assert.equal(networkFileSystemOf('/proc'), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentsOf } from './node-log.ts'

// As a NodeManager 3.5.0 gives it.
const page = (contents: string, length = contents.length) =>
  Buffer.from(`Container: container_1_0001_01_000002 on cluster.dask.test:8041
LogAggregationType: LOCAL
===========================================================================
LogType:stderr
LogLastModifiedTime:Sat Nov 28 23:59:58 +0000 2026
LogLength:${length}
LogContents:
${contents}End of LogType:stderr.This log file belongs to a running container (container_1_0001_01_000002) and so may not be complete.
***************************************************************************
`)

test('a log is what its length says, whatever it contains', () => {
  const log = 'one\nEnd of LogType:stderr\nLogContents:\ntwo\n'
  assert.deepEqual(contentsOf(page(log), 1000), { from: 0, bytes: Buffer.from(log) })
  assert.deepEqual(contentsOf(page('last\n', 100), 5), { from: 95, bytes: Buffer.from('last\n') })
  assert.deepEqual(contentsOf(page(''), 5), { from: 0, bytes: Buffer.alloc(0) })
  assert.equal(contentsOf(Buffer.from('<html>no</html>'), 5), null)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { listenersIn, listenersOn } from './listeners.ts'

test('a recorded table: only those who listen, only on that port', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 112943 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F40 0100007F:9C4E 01 00000000:00000000 00:00000000 00000000  1000        0 112950 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1 0000000000000000 100 0 0 10 0
`
  assert.deepEqual(listenersIn(table, 8000), [{ uid: 1000, inode: 112943 }])
  assert.deepEqual(listenersIn(table, 8001), [])
  assert.deepEqual(listenersIn('', 22), [])
})

for (const host of ['127.0.0.1', '::1'])
  test(`this process is found on ${host}`, async () => {
    const server = createServer().listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const [found] = listenersOn(port)
    assert.equal(found?.uid, process.getuid?.())
    assert.deepEqual(found?.pids, [process.pid])
    server.close()
    await once(server, 'close')
    assert.deepEqual(listenersOn(port), [])
  })

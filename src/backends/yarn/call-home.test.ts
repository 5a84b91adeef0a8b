import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'

const container = join(import.meta.dirname, '../../../python/container')

/** Two calls at once, then as many as it takes until all of the log was told. */
const program = `
import sys, threading
sys.path.insert(0, sys.argv[1])
from home import Home
home = Home({"url": sys.argv[2], "token": "t"}, lambda epoch: (lambda: None, {}), print, print, sys.argv[3])
calls = [threading.Thread(target=home.exchange, args=(0,)) for _ in range(2)]
for call in calls: call.start()
for call in calls: call.join()
for _ in range(5):
    if home.log_at < home.log_size(): home.exchange(0)
`

test('a log that was told to no gateway yet is told again, also after two calls at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'call-home-'))
  const log = join(folder, 'stderr')
  await writeFile(log, 'what it said last\n')
  const early: (() => void)[] = []
  let taken = ''
  // As `masters.ts` does: what comes without its epoch is answered and not taken.
  const server = createServer(async (request, response) => {
    const {
      epoch,
      version,
      log: piece,
    } = (await json(request)) as {
      [name: string]: unknown
      log: { from: number; base64: string }
    }
    const workers = version === 0 ? null : {}
    const answer = () => response.end(JSON.stringify({ epoch: 'e', version: 0, workers }))
    if (epoch === 'e') {
      taken = taken.slice(0, piece.from) + Buffer.from(piece.base64, 'base64')
      return answer()
    }
    early.push(answer)
    if (early.length === 2) for (const each of early) each()
  })
  try {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    await promisify(execFile)('python3', ['-c', program, container, url, log], { timeout: 20_000 })
    assert.equal(early.length, 2)
    assert.equal(taken, 'what it said last\n')
  } finally {
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true })
  }
})

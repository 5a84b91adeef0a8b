import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createLogger } from '../util/index.ts'
import { createMover } from './splice-mover.ts'

/** Two people and, between them, the two sockets that are moved: left ↔ a, b ↔ right. */
async function pair(t: TestContext) {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const connection = async () => {
    const arrived = once(server, 'connection')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const outside = connect({ host: '127.0.0.1', port, allowHalfOpen: true }).on('error', () => {})
    t.after(() => void outside.destroy())
    return { outside, inside: ((await arrived)[0] as Socket).on('error', () => {}) }
  }
  const [first, second] = [await connection(), await connection()]
  return { left: first.outside, a: first.inside, b: second.inside, right: second.outside }
}

function mover(t: TestContext, maxPairs: number) {
  const lines: string[] = []
  const log = createLogger({ level: 'debug', format: 'text', write: (line) => lines.push(line) })
  const made = createMover({ maxPairs, log })
  t.after(() => made.stop())
  return { ...made, lines }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

for (const maxPairs of [10, 0]) {
  const how = maxPairs > 0 ? 'by the kernel' : 'by Node'

  test(`${how}: bytes, ends and half-ends arrive, what was read before included`, async (t) => {
    const { left, a, b, right } = await pair(t)
    left.write('early ')
    await once(a, 'readable')
    const { done } = mover(t, maxPairs).pump(a, b)
    left.end('words')
    assert.equal(String(await readAll(right)), 'early words')
    right.end('and the answer')
    assert.equal(String(await readAll(left)), 'and the answer')
    await done
  })

  test(`${how}: 30 MB each way at once, the readers slow at first`, async (t) => {
    const { left, a, b, right } = await pair(t)
    const { pump } = mover(t, maxPairs)
    const { done } = pump(a, b)
    const [there, back] = [randomBytes(30 << 20), randomBytes(30 << 20)]
    left.end(there)
    right.end(back)
    for (let turn = 0; turn < 50; turn += 1) await setImmediate()
    const [atRight, atLeft] = await Promise.all([readAll(right), readAll(left)])
    assert.ok(there.equals(atRight))
    assert.ok(back.equals(atLeft))
    await done
  })

  test(`${how}: a reset is passed on, either way`, async (t) => {
    const { pump } = mover(t, maxPairs)
    for (const from of ['left', 'right'] as const) {
      const { a, b, ...ends } = await pair(t)
      const { done } = pump(a, b)
      const to = from === 'left' ? ends.right : ends.left
      ends[from].write('x')
      await once(to, 'data')
      const failed = once(to, 'error')
      ends[from].resetAndDestroy()
      assert.equal((await failed)[0].code, 'ECONNRESET')
      await done
    }
  })

  test(`${how}: what is cut is over at once, at whatever moment`, async (t) => {
    const { pump } = mover(t, maxPairs)
    for (const isBegun of [false, true]) {
      const { left, a, b, right } = await pair(t)
      const { done, cut } = pump(a, b)
      if (isBegun) {
        left.write('x')
        await once(right, 'data')
      }
      const closed = [left, right].map((each) => {
        each.resume().once('end', () => each.end())
        // Not `once` of node:events: some hear a reset, which is an error first.
        return new Promise((resolve) => each.once('close', resolve))
      })
      cut()
      await Promise.all([done, ...closed])
    }
  })
}

test('the sockets leave Node, and a stop leaves no descriptor behind', async (t) => {
  const before = kernelDescriptors()
  const { pump, stop, lines } = mover(t, 10)
  const { left, a, b, right } = await pair(t)
  const { done } = pump(a, b)
  left.write('x')
  await once(right, 'data')
  assert.deepEqual([a.destroyed, b.destroyed], [true, true])
  assert.ok(kernelDescriptors() > before)
  stop()
  await done
  const until = performance.now() + 10_000
  while (kernelDescriptors() > before && performance.now() < until) await setImmediate()
  assert.equal(kernelDescriptors(), before)
  assert.deepEqual(lines, [])
})

/** Pipes and eventfds of this process; those of Node itself do not change. */
function kernelDescriptors(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => /^(pipe:|anon_inode:\[eventfd\])/.test(target)).length
}

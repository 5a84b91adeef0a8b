import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MemoryStore } from '../../test/fakes/memory-store.ts'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { createTestLogger } from '../../test/support/test-api.ts'
import { openAuditFile } from './audit-file.ts'
import { createAuditTrail } from './audit-trail.ts'

const event = { user: 'alice', cluster: null, owner: null, address: '::1', message: 'a\n"b"' }

function place(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'audit.jsonl')
}

function linesOf(path: string) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map(
      (line) => JSON.parse(line) as { id: number; action: string; time: string; message: string },
    )
}

async function trailOn(t: TestContext, store: MemoryStore, path: string) {
  const { logger, lines } = createTestLogger()
  const file = await openAuditFile(path, store, logger)
  const trail = createAuditTrail(store, logger, { maxEvents: 1000, maxAgeMs: null, file })
  t.after(() => trail.close())
  return { trail, lines }
}

test('each action is a line, in a file for the gateway alone', async (t) => {
  const path = place(t)
  const store = new MemoryStore()
  const { trail } = await trailOn(t, store, path)
  for (const action of ['create', 'stop']) trail.record({ ...event, action })
  await waitFor('two lines', () => linesOf(path).length === 2)
  const [first, second] = linesOf(path)
  assert.deepEqual([first?.id, first?.action, second?.id], [1, 'create', 2])
  assert.equal(first?.message, event.message)
  assert.match(first?.time ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a file that was moved away is made anew, and nothing is missing in the two', async (t) => {
  const path = place(t)
  const { trail } = await trailOn(t, new MemoryStore(), path)
  trail.record({ ...event, action: 'one' })
  await waitFor('a line', () => linesOf(path).length === 1)
  renameSync(path, `${path}.1`)
  trail.record({ ...event, action: 'two' })
  await waitFor('a line', () => linesOf(`${path}.1`).length === 2)
  await trail.reopen()
  trail.record({ ...event, action: 'three' })
  await waitFor('a line', () => linesOf(path).length === 1)
  assert.deepEqual(
    linesOf(path).map(({ action }) => action),
    ['three'],
  )
})

test('after a crash the file goes on after its last whole line; a new one begins with now', async (t) => {
  const path = place(t)
  const store = new MemoryStore()
  await store.addAudit(['a', 'b', 'c'].map((action) => ({ ...event, action, time: 5 })))
  writeFileSync(path, `${JSON.stringify({ id: 1, action: 'a' })}\n{"id": 2, "act`, { mode: 0o600 })
  const first = await trailOn(t, store, path)
  await waitFor('the rest', () => linesOf(path).length === 3)
  assert.deepEqual(
    linesOf(path).map(({ id }) => id),
    [1, 2, 3],
  )
  await first.trail.close()
  const fresh = `${path}.new`
  const { trail } = await trailOn(t, store, fresh)
  trail.record({ ...event, action: 'd' })
  await waitFor('a line', () => linesOf(fresh).length === 1)
  assert.equal(linesOf(fresh)[0]?.action, 'd')
})

test('a full disk costs nothing but lines that come later, and is told', async (t) => {
  const store = new MemoryStore()
  const { logger, lines } = createTestLogger()
  await assert.rejects(openAuditFile('/dev/full', store, logger), /must be a file of the gateway/)
  // A limit on the size of files is as a full disk to whoever writes.
  const path = place(t)
  const file = await openAuditFile(path, store, logger)
  const append = t.mock.method(store, 'audit')
  const trail = createAuditTrail(store, logger, { maxEvents: 1000, maxAgeMs: null, file })
  t.after(() => trail.close())
  append.mock.mockImplementation(async () => {
    throw new Error('ENOSPC: no space left on device')
  })
  trail.record({ ...event, action: 'create' })
  await waitFor('the problem', () => trail.state().fileProblem)
  assert.match(trail.state().fileProblem ?? '', /no space left/)
  assert.ok(lines.some((line) => /cannot be written.*Nothing is lost/.test(line)))
  append.mock.restore()
  trail.record({ ...event, action: 'stop' })
  await waitFor('both lines', () => linesOf(path).length === 2)
  assert.equal(trail.state().fileProblem, null)
})

test('what others may write or have made is refused', async (t) => {
  const store = new MemoryStore()
  const { logger } = createTestLogger()
  const path = place(t)
  writeFileSync(`${path}.other`, '')
  symlinkSync(`${path}.other`, path)
  await assert.rejects(openAuditFile(path, store, logger), { code: 'ELOOP' })
  appendFileSync(`${path}.open`, '', { mode: 0o600 })
  const { chmodSync } = await import('node:fs')
  chmodSync(`${path}.open`, 0o666)
  await assert.rejects(openAuditFile(`${path}.open`, store, logger), /nobody else may write/)
})

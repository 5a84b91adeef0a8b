import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Logger } from '../core/index.ts'
import { inspectStore } from './inspect-store.ts'
import { openStore } from './open-store.ts'

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => quiet }

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'inspect-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const options = (name = 'x.sqlite') => ({
  url: `sqlite:///${join(directory, name)}`,
  encryptKeys: null,
  workingDirectory: directory,
})
const open = () => openStore({ ...options(), logger: quiet, debug: false })

test('where nothing is, nothing is made', () => {
  const found = inspectStore(options())
  assert.deepEqual([found?.records, found?.holder], [null, null])
  assert.deepEqual(readdirSync(directory), [])
  assert.equal(inspectStore({ ...options(), url: 'sqlite:///:memory:' }), null)
})

/** As another process, which is what it is for. */
function inspectElsewhere(): { readonly instance: string; readonly holder: number | null } {
  const program = `
    const { inspectStore } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'inspect-store.ts')).href)})
    const found = inspectStore(${JSON.stringify(options())})
    console.log(JSON.stringify({ instance: found.records.instance.id, holder: found.holder?.pid ?? null }))`
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  assert.equal(ran.status, 0, ran.stderr)
  return JSON.parse(ran.stdout)
}

test('beside a gateway it sees the records and who holds them, and the lock stays', async () => {
  const store = await open()
  assert.deepEqual(inspectElsewhere(), { instance: store.instance.id, holder: process.pid })
  await assert.rejects(open(), /is in use by the gateway with process id/)
  await store.savePrivatePort(4711)
  await store.close()
})

test('after a stop nobody holds it, and no byte and no file changes', async () => {
  await (await open()).close()
  const state = () => readdirSync(directory).map((name) => [name, sizeOf(name)])
  const before = state()
  const found = inspectStore(options())
  assert.match(found?.records?.instance.id ?? '', /^[0-9a-f]{32}$/)
  assert.deepEqual([found?.warnings, found?.records?.clusters], [[], []])
  assert.deepEqual(state(), before)
})

test('a missing key, a wrong key, files open to others, a damaged file', async () => {
  await (await open()).close()
  const key = join(directory, 'x.sqlite.key')
  chmodSync(key, 0o640)
  assert.throws(() => inspectStore(options()), /key file .* may be read by others/)
  chmodSync(key, 0o600)
  chmodSync(join(directory, 'x.sqlite'), 0o644)
  assert.match(inspectStore(options())?.warnings.join() ?? '', /x\.sqlite may be read by others/)
  const other = Buffer.alloc(32, 7).toString('base64')
  assert.throws(
    () => inspectStore({ ...options(), encryptKeys: [other] }),
    /The encryption key does not fit the database/,
  )
  rmSync(key)
  assert.throws(() => inspectStore(options()), /The key file .* is missing/)
  writeFileSync(join(directory, 'junk.sqlite'), 'no database at all, but long enough to be read')
  assert.throws(() => inspectStore(options('junk.sqlite')), /damaged or no SQLite database/)
})

function sizeOf(name: string): number {
  try {
    return readFileSync(join(directory, name)).length
  } catch {
    return -1
  }
}

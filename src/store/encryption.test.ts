import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sampleCluster } from '../../test/contracts/store.ts'
import {
  openFileStore,
  recordingLogger,
  temporaryDirectory,
} from '../../test/contracts/store-files.ts'
import type { StoreOptions } from './index.ts'
import { secretBox } from './secret-box.ts'

const newKey = () => randomBytes(32).toString('base64')

/** A closed database with two clusters. */
async function written(path: string, options: Partial<StoreOptions> = {}) {
  const store = await openFileStore(path, options)
  await store.commit([1, 2].map((n) => ({ put: 'cluster', cluster: sampleCluster(n) })))
  await store.close()
  return store.instance
}

async function assertOpens(path: string, options: Partial<StoreOptions> = {}) {
  const store = await openFileStore(path, options)
  assert.deepEqual((await store.load()).clusters, [sampleCluster(1), sampleCluster(2)])
  await store.close()
  return store.instance
}

/** All bytes of all files but the key's. */
function rawBytes(directory: string): string {
  return readdirSync(directory, { withFileTypes: true })
    .filter((each) => each.isFile() && !each.name.endsWith('.key'))
    .map((each) => readFileSync(join(directory, each.name), 'latin1'))
    .join('')
}

test('no secret can be read in the files, open or closed', async (context) => {
  const directory = temporaryDirectory(context)
  const store = await openFileStore(join(directory, 'x.sqlite'))
  await store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])
  const { proxyToken, signingKey } = store.instance
  for (const close of [async () => {}, () => store.close()]) {
    await close()
    const raw = rawBytes(directory)
    assert.ok(raw.includes('alice'), 'what is no secret is there, so the search would find one')
    for (const secret of [
      'SECRET',
      proxyToken,
      signingKey.toString('base64'),
      signingKey.toString('latin1'),
    ])
      assert.ok(!raw.includes(secret))
  }
})

test('with the key of the settings no key file is made', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const encryptKeys = [newKey()]
  const instance = await written(path, { encryptKeys })
  assert.deepEqual(await assertOpens(path, { encryptKeys }), instance)
  assert.equal(existsSync(`${path}.key`), false)
})

test('a new first key seals everything anew; then the old one is needed no more', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const [oldKey, key] = [newKey(), newKey()]
  const instance = await written(path, { encryptKeys: [oldKey] })
  const lines: string[] = []
  const logger = recordingLogger(lines)
  assert.deepEqual(await assertOpens(path, { encryptKeys: [key, oldKey], logger }), instance)
  assert.match(lines.join(), /info: 8 secrets .* sealed with the first key/)
  await assertOpens(path, { encryptKeys: [key] })
  await assert.rejects(openFileStore(path, { encryptKeys: [oldKey] }), /does not fit/)
})

test('a key that does not fit is told before anything is changed', async (context) => {
  const directory = temporaryDirectory(context)
  const path = join(directory, 'x.sqlite')
  const encryptKeys = [newKey()]
  await written(path, { encryptKeys })
  const before = readFileSync(path)
  await assert.rejects(openFileStore(path, { encryptKeys: [newKey(), newKey()] }), {
    code: 'configuration',
    message: /does not fit .*DBBackendBase\.db_encrypt_keys/s,
  })
  // Nor does a key file that was put there.
  writeFileSync(`${path}.key`, newKey(), { mode: 0o600 })
  await assert.rejects(openFileStore(path), {
    code: 'configuration',
    message: /does not fit .*x\.sqlite\.key/s,
  })
  assert.deepEqual(readFileSync(path), before)
  await assertOpens(path, { encryptKeys })
})

test('a missing key file is an error, never a new key', async (context) => {
  const directory = temporaryDirectory(context)
  const path = join(directory, 'x.sqlite')
  await written(path)
  renameSync(`${path}.key`, join(directory, 'elsewhere'))
  await assert.rejects(openFileStore(path), {
    code: 'configuration',
    message: /x\.sqlite\.key is missing.*Restore/s,
  })
  assert.equal(existsSync(`${path}.key`), false)
  renameSync(join(directory, 'elsewhere'), `${path}.key`)
  await assertOpens(path)
})

test('from the key file to the settings, with the file’s key as the last', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  await written(path)
  const key = newKey()
  await assert.rejects(openFileStore(path, { encryptKeys: [key] }), /add that file's text/)
  await assertOpens(path, { encryptKeys: [key, readFileSync(`${path}.key`, 'utf8')] })
  rmSync(`${path}.key`)
  await assertOpens(path, { encryptKeys: [key] })
})

test('a badly formed key is named by its position, not by its value', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  for (const wrong of ['not!base64', randomBytes(31).toString('base64'), 'kkkk', ''])
    await assert.rejects(
      openFileStore(path, { encryptKeys: [newKey(), wrong] }),
      (error: Error) => {
        assert.match(error.message, /Key 2 of 2 in DBBackendBase\.db_encrypt_keys/)
        assert.ok(wrong === '' || !error.message.includes(wrong))
        return true
      },
    )
  assert.equal(existsSync(path), false)
})

test('keys in the alphabet of URLs are taken too', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const key = Buffer.alloc(32, 0xfb).toString('base64')
  assert.match(key, /\+|\//)
  await written(path, { encryptKeys: [key] })
  await assertOpens(path, { encryptKeys: [key.replaceAll('+', '-').replaceAll('/', '_')] })
})

test('a key file that is a link, or that others may read, or is empty, is refused', async (context) => {
  const directory = temporaryDirectory(context)
  const path = join(directory, 'x.sqlite')
  await written(path)
  chmodSync(`${path}.key`, 0o640)
  await assert.rejects(openFileStore(path), /x\.sqlite\.key may be read by others/)
  chmodSync(`${path}.key`, 0o600)
  renameSync(`${path}.key`, join(directory, 'elsewhere'))
  symlinkSync(join(directory, 'elsewhere'), `${path}.key`)
  await assert.rejects(openFileStore(path), /x\.sqlite\.key is a symbolic link/)
  rmSync(`${path}.key`)
  writeFileSync(`${path}.key`, '', { mode: 0o600 })
  await assert.rejects(openFileStore(path), /does not hold the base64 form of 32 bytes/)
})

test('a sealed secret opens in its place only', () => {
  const box = secretBox([randomBytes(32)], '')
  const place = { table: 'cluster', column: 'token', row: 'a' }
  const sealed = box.seal('naïve', place)
  assert.equal(box.open(sealed, place), 'naïve')
  assert.notEqual(box.seal('naïve', place), sealed)
  for (const other of [
    { ...place, table: 'instance' },
    { ...place, column: 'tls_key' },
    { ...place, row: 'b' },
  ])
    assert.throws(() => box.open(sealed, other), { code: 'internal', message: /changed or moved/ })
  for (const broken of ['', 'naïve', `${sealed.slice(0, 12)}AAAA`])
    assert.throws(() => box.open(broken, place), { code: 'internal' })
})

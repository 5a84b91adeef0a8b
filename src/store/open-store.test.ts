import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sampleCluster, sampleEvent, sampleWorker } from '../../test/contracts/store.ts'
import {
  openFileStore,
  recordingLogger,
  temporaryDirectory,
} from '../../test/contracts/store-files.ts'
import { migrations } from './migrations.ts'
import { makePrivate } from './private-file.ts'

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

test('a reopened one has everything, the instance too', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const first = await openFileStore(path)
  await first.commit([
    { put: 'cluster', cluster: sampleCluster(1) },
    { put: 'worker', worker: sampleWorker(1, 1) },
    { put: 'event', event: sampleEvent(7, 1) },
  ])
  await first.savePrivatePort(4711)
  await first.close()
  const second = await openFileStore(path)
  assert.deepEqual(second.instance, { ...first.instance, privatePort: 4711 })
  assert.deepEqual(await second.load(), {
    clusters: [sampleCluster(1)],
    workers: [sampleWorker(1, 1)],
    lastEventId: 7,
  })
  assert.equal(second.stateDirectory, `${path}.d`)
  await second.close()
})

test('every file is for the owner alone, whatever the umask and the mode before', async (context) => {
  const directory = temporaryDirectory(context)
  const path = join(directory, 'x.sqlite')
  const umask = process.umask(0)
  try {
    await (await openFileStore(path)).close()
    for (const each of readdirSync(directory)) chmodSync(join(directory, each), 0o755)
    chmodSync(`${path}.key`, 0o600)
    const store = await openFileStore(path)
    await store.commit([{ put: 'cluster', cluster: sampleCluster(1) }])
    const modes = Object.fromEntries(
      readdirSync(directory).map((each) => [each, lstatSync(join(directory, each)).mode & 0o077]),
    )
    assert.deepEqual(modes, {
      'x.sqlite': 0,
      'x.sqlite-shm': 0,
      'x.sqlite-wal': 0,
      'x.sqlite.d': 0,
      'x.sqlite.key': 0,
      'x.sqlite.lock': 0,
    })
    await store.close()
  } finally {
    process.umask(umask)
  }
})

test('a directory that others may write is warned of', async (context) => {
  const directory = temporaryDirectory(context)
  chmodSync(directory, 0o777)
  const lines: string[] = []
  const logger = recordingLogger(lines)
  await (await openFileStore(join(directory, 'x.sqlite'), { logger })).close()
  assert.match(lines.join('\n'), /warn: The directory of the database, .* can be written by other/)
})

test('a database of somebody else is refused', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  await (await openFileStore(path)).close()
  if (process.geteuid?.() === 0) {
    chownSync(path, 12345, 12345)
    await assert.rejects(openFileStore(path), {
      code: 'configuration',
      message: /belongs to user id 12345, but the gateway runs as user id 0/,
    })
  } else {
    // Only root can give a file away; everybody else has root's files to look at.
    const message = /belongs to user id 0, but the gateway runs as user id/
    assert.throws(() => makePrivate('/etc/passwd', 'file'), { code: 'configuration', message })
  }
})

test('a database reached through a link has its lock and its key beside the file itself', async (context) => {
  const directory = temporaryDirectory(context)
  mkdirSync(join(directory, 'real'))
  const path = join(directory, 'real', 'x.sqlite')
  await (await openFileStore(path)).close()
  symlinkSync(path, join(directory, 'link.sqlite'))
  const store = await openFileStore(join(directory, 'link.sqlite'))
  await assert.rejects(openFileStore(path), /in use by the gateway/)
  await store.close()
  assert.deepEqual(readdirSync(directory).sort(), ['link.sqlite', 'real'])
})

test('a missing directory is named', async (context) => {
  const path = join(temporaryDirectory(context), 'missing', 'x.sqlite')
  await assert.rejects(openFileStore(path), {
    code: 'configuration',
    message: /missing.*DBBackendBase\.db_url/s,
  })
})

test('a database of a newer version is refused with both versions', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  await (await openFileStore(path)).close()
  const newer = new DatabaseSync(path)
  newer.exec(`pragma user_version = ${migrations.length + 7}`)
  newer.close()
  const before = digest(path)
  await assert.rejects(openFileStore(path), {
    code: 'configuration',
    message: new RegExp(`has version ${migrations.length + 7}, but .* up to ${migrations.length}`),
  })
  assert.equal(digest(path), before)
})

test('a database that is none, is cut or is damaged is refused with what to do', async (context) => {
  const directory = temporaryDirectory(context)
  const refusal = { code: 'configuration', message: /x\.sqlite.*(damaged).*move it away/s }
  const path = join(directory, 'x.sqlite')

  writeFileSync(path, 'This is no database at all. '.repeat(100))
  const before = digest(path)
  await assert.rejects(openFileStore(path), refusal)
  assert.equal(digest(path), before)
  assert.equal(existsSync(`${path}.key`), false)

  writeFileSync(path, '')
  const store = await openFileStore(path)
  const changes = Array.from({ length: 200 }, (_, n) => sampleCluster(n))
  await store.commit(changes.map((cluster) => ({ put: 'cluster', cluster })))
  await store.close()
  const whole = readFileSync(path)

  truncateSync(path, Math.floor(whole.length / 2))
  await assert.rejects(openFileStore(path), refusal)

  const torn = Buffer.from(whole)
  torn.fill(0xff, 4096, 4096 * 3)
  writeFileSync(path, torn)
  await assert.rejects(openFileStore(path), refusal)

  // And the same file whole: nothing of the refusals has hurt it.
  writeFileSync(path, whole)
  const healed = await openFileStore(path)
  assert.equal((await healed.load()).clusters.length, 200)
  await healed.close()
})

test('a row that another program changed is named when it is read', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const store = await openFileStore(path)
  await store.commit([1, 2].map((n) => ({ put: 'cluster', cluster: sampleCluster(n) })))
  await store.commit([{ put: 'worker', worker: sampleWorker(1, 1) }])
  const other = new DatabaseSync(path)
  const rejected = async (statement: string, message: RegExp) => {
    other.exec('savepoint before; release before')
    other.exec(statement)
    await assert.rejects(store.load(), { code: 'internal', message })
  }
  await rejected(
    "update worker set attempt = '{broken'",
    new RegExp(`the worker "${sampleWorker(1, 1).name}" cannot be read .*attempt: is not JSON`),
  )
  await rejected(
    `update cluster set status = 'sleeping' where name = '${sampleCluster(2).name}'`,
    new RegExp(`the cluster "${sampleCluster(2).name}" cannot be read .*status`),
  )
  other.exec("update cluster set status = 'running'")
  await rejected(
    `update cluster set token = (select token from cluster where name = '${sampleCluster(1).name}')`,
    /cluster\.token of ".*2" was changed or moved/,
  )
  other.close()
  await store.close()
})

test('the old server’s database stays as it is; ours begins beside it', async (context) => {
  const directory = temporaryDirectory(context)
  const path = join(directory, 'x.sqlite')
  const old = new DatabaseSync(path)
  old.exec(readFileSync(join(import.meta.dirname, 'old-server-database.sql'), 'utf8'))
  old.close()
  const before = { ...statSync(path, { bigint: true }), digest: digest(path) }
  const lines: string[] = []
  for (const n of [1, 2]) {
    const store = await openFileStore(path, { logger: recordingLogger(lines) })
    assert.equal((await store.load()).clusters.length, n - 1)
    await store.commit([{ put: 'cluster', cluster: sampleCluster(n) }])
    assert.equal(store.stateDirectory, join(directory, 'x.ts.sqlite.d'))
    await store.close()
  }
  const { atimeNs: _, atimeMs: __, ...now } = statSync(path, { bigint: true })
  assert.equal(now.mtimeNs, before.mtimeNs)
  assert.equal(now.mode, before.mode)
  assert.equal(digest(path), before.digest)
  assert.deepEqual(readdirSync(directory).sort(), [
    'x.sqlite',
    'x.ts.sqlite',
    'x.ts.sqlite.d',
    'x.ts.sqlite.key',
    'x.ts.sqlite.lock',
  ])
  assert.equal(lines.length, 2)
  assert.match(lines[0] ?? '', /warn: .*x\.sqlite is a database of the old dask-gateway-server/)
  assert.match(
    lines[0] ?? '',
    /[0-9a-f]{32} \(user alice, running\), [0-9a-f]{32} \(user carol, created\)\./,
  )
  assert.doesNotMatch(lines[0] ?? '', /bob/)
})

test('a file beside the old database that is not ours is not taken either', async (context) => {
  const directory = temporaryDirectory(context)
  const old = new DatabaseSync(join(directory, 'x.sqlite'))
  old.exec(readFileSync(join(import.meta.dirname, 'old-server-database.sql'), 'utf8'))
  old.close()
  const other = new DatabaseSync(join(directory, 'x.ts.sqlite'))
  other.exec('create table invoice (id)')
  other.close()
  await assert.rejects(
    openFileStore(join(directory, 'x.sqlite')),
    /x\.ts\.sqlite .*another program/,
  )
})

test('an old database with a write-ahead log gets no files beside it', async (context) => {
  const directory = temporaryDirectory(context)
  const path = join(directory, 'x.sqlite')
  const old = new DatabaseSync(path)
  old.exec('pragma journal_mode = wal')
  old.exec(readFileSync(join(import.meta.dirname, 'old-server-database.sql'), 'utf8'))
  old.close()
  const before = digest(path)
  await (await openFileStore(path)).close()
  assert.equal(digest(path), before)
  assert.ok(!existsSync(`${path}-wal`) && !existsSync(`${path}-shm`))
})

test('a database of another program is refused and not touched', async (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const other = new DatabaseSync(path)
  other.exec('create table invoice (id)')
  other.close()
  const before = digest(path)
  await assert.rejects(openFileStore(path), { code: 'configuration', message: /another program/ })
  assert.equal(digest(path), before)
})

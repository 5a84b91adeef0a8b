import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../../test/contracts/store-files.ts'
import { createLogArchive } from './index.ts'

const cluster = 'c'.repeat(32)

test('a log comes back, its last bytes where fewer are asked for', async (context) => {
  const archive = createLogArchive(temporaryDirectory(context))
  assert.equal(await archive.get(cluster, 'scheduler', 100), null)
  await archive.put(cluster, 'scheduler', Buffer.from('one\ntwo\n'))
  assert.equal(String(await archive.get(cluster, 'scheduler', 100)), 'one\ntwo\n')
  assert.equal(String(await archive.get(cluster, 'scheduler', 4)), 'two\n')
  assert.equal((await archive.get(cluster, 'scheduler', 0))?.length, 0)
  await archive.put(cluster, 'scheduler', Buffer.from('three'))
  assert.equal(String(await archive.get(cluster, 'scheduler', 100)), 'three')
  await archive.put(cluster, 'empty', Buffer.alloc(0))
  assert.equal((await archive.get(cluster, 'empty', 10))?.length, 0)
  await archive.remove(cluster)
  await archive.remove(cluster)
  assert.equal(await archive.get(cluster, 'scheduler', 100), null)
})

test('of a long log the last MiB is kept', async (context) => {
  const archive = createLogArchive(temporaryDirectory(context))
  await archive.put(cluster, 'w', Buffer.concat([Buffer.alloc(2 ** 20, 'a'), Buffer.from('end')]))
  const kept = await archive.get(cluster, 'w', 2 ** 30)
  assert.equal(kept?.length, 2 ** 20)
  assert.ok(kept?.subarray(-3).equals(Buffer.from('end')))
})

test('files are for the owner alone, and nothing but logs stays', async (context) => {
  const directory = temporaryDirectory(context)
  await createLogArchive(directory).put(cluster, 'w', Buffer.from('x'))
  assert.deepEqual(readdirSync(join(directory, 'logs', cluster)), ['w.log'])
  for (const each of ['logs', `logs/${cluster}`, `logs/${cluster}/w.log`])
    assert.equal(lstatSync(join(directory, each)).mode & 0o077, 0)
})

test('names that are no names are refused, and a link is not followed', async (context) => {
  const directory = temporaryDirectory(context)
  const archive = createLogArchive(directory)
  for (const name of ['', '..', 'a/b', '.', '-a', 'a\0b', 'ü', 'a'.repeat(200)]) {
    const refusal = { name: 'GatewayError', message: /letters, digits and dashes/ }
    await assert.rejects(async () => archive.put(name, 'w', Buffer.from('x')), refusal)
    await assert.rejects(async () => archive.get(cluster, name, 1), refusal)
    await assert.rejects(async () => archive.remove(name), refusal)
  }
  writeFileSync(join(directory, 'secret'), 'secret')
  await archive.put(cluster, 'w', Buffer.from('x'))
  const file = join(directory, 'logs', cluster, 'w.log')
  rmSync(file)
  symlinkSync(join(directory, 'secret'), file)
  await assert.rejects(archive.get(cluster, 'w', 100), { code: 'ELOOP' })
})

test('a pipe in the place of a log is not waited for', async (context) => {
  const directory = temporaryDirectory(context)
  const archive = createLogArchive(directory)
  await archive.put(cluster, 'w', Buffer.from('x'))
  const file = join(directory, 'logs', cluster, 'w.log')
  rmSync(file)
  execFileSync('mkfifo', [file])
  assert.equal(await archive.get(cluster, 'w', 100), null)
})

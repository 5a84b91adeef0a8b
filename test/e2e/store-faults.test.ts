import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { freePort, startGateway, workingDirectory } from './harness.ts'
import { asNobody, leftBehind, runCommand } from './run-command.ts'

// Faults of the records at a start. One gateway makes good ones first; each test spoils and restores them.
const working = workingDirectory('store-faults')
const directory = working.path
const isRoot = process.getuid?.() === 0
const records = join(directory, 'dask_gateway.sqlite')
const keyFile = `${records}.key`

before(async () => {
  const gateway = await startGateway({ directory, port: await freePort() })
  assert.equal(await gateway.stop(), 0)
  for (const file of [records, keyFile]) copyFileSync(file, `${file}.good`)
})
after(() => working.remove())

async function assertNoStart(
  sentence: RegExp,
  env: NodeJS.ProcessEnv = {},
  by?: readonly string[],
): Promise<void> {
  const address = `--Proxy.address=127.0.0.1:${await freePort()}`
  const result = await runCommand([address], { directory, env, ...(by && { by }) })
  assert.equal(result.status, 1, result.stderr)
  assert.match(result.stderr, sentence)
  assert.doesNotMatch(result.stderr, /^ +at /m, 'no stack')
  assert.equal((result.stderr.match(/^Error: /gm) ?? []).length, 1, result.stderr)
  assert.deepEqual(leftBehind(directory), [])
}

/** The bytes of the good file under the name, owner and mode of the file that is there. */
function restore(file: string): void {
  copyFileSync(`${file}.good`, file)
}

async function assertStarts(): Promise<void> {
  const gateway = await startGateway({ directory, port: await freePort() })
  assert.equal(await gateway.stop(), 0)
}

test('a database that another gateway has: the second says who that is', async () => {
  const gateway = await startGateway({ directory, port: await freePort() })
  try {
    const who = new RegExp(
      `^Error: The database ${records} is in use by the gateway with process id ${gateway.pid} on host .*DBBackendBase\\.db_url`,
    )
    const address = `--Proxy.address=127.0.0.1:${await freePort()}`
    const { status, stderr } = await runCommand([address], { directory })
    assert.equal(status, 1)
    assert.match(stderr, who)
    const answer = await fetch(`${gateway.address}/readyz`)
    assert.equal(answer.status, 200, 'the first goes on')
  } finally {
    assert.equal(await gateway.stop(), 0)
  }
})

test('a database that is damaged, of a newer server, of another program, or a directory', async () => {
  writeFileSync(records, randomBytes(8192))
  await assertNoStart(/DBBackendBase\.db_url.*damaged or no SQLite database/)
  restore(records)

  const newer = new DatabaseSync(records)
  newer.exec('pragma user_version = 99')
  newer.close()
  await assertNoStart(/DBBackendBase\.db_url.* has version 99, but .* versions up to \d+/)
  restore(records)

  const other = new DatabaseSync(records)
  other.exec('pragma application_id = 7; drop table instance')
  other.close()
  await assertNoStart(/belongs to another program: .*DBBackendBase\.db_url/)
  restore(records)

  renameSync(records, `${records}.away`)
  mkdirSync(records)
  await assertNoStart(/is a directory\. Name a file in DBBackendBase\.db_url/)
  rmSync(records, { recursive: true })
  renameSync(`${records}.away`, records)
  await assertStarts()
})

test('a key that is missing, does not fit, is no key, or may be read by others', async () => {
  renameSync(keyFile, `${keyFile}.away`)
  await assertNoStart(/key file .*\.key is missing, .*DBBackendBase\.db_encrypt_keys/)
  const DASK_GATEWAY_ENCRYPT_KEYS = randomBytes(32).toString('base64')
  await assertNoStart(/encryption key does not fit.*DBBackendBase\.db_encrypt_keys/, {
    DASK_GATEWAY_ENCRYPT_KEYS,
  })
  await assertNoStart(/Key 1 of 1 in DBBackendBase\.db_encrypt_keys .*base64 form of 32 bytes/, {
    DASK_GATEWAY_ENCRYPT_KEYS: 'short',
  })
  renameSync(`${keyFile}.away`, keyFile)

  chmodSync(keyFile, 0o644)
  await assertNoStart(/key file .*may be read by others/)
  chmodSync(keyFile, 0o000)
  await assertNoStart(/key file .*cannot be read: EACCES/)
  chmodSync(keyFile, 0o600)
  writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`)
  await assertNoStart(/encryption key does not fit.*\.key/)
  restore(keyFile)
  await assertStarts()
})

/** Runs the command where a file system of 1 MiB lies over `directory`/disk, after `prepare` in it. */
function onDisk(prepare: string): readonly string[] {
  const script = `mount -t tmpfs -o size=1m,mode=777 tmpfs disk; cd disk; ${prepare}; cd ..; exec "$@"`
  // Others than root get a user namespace in which they may mount, and in it another in which they are not root.
  return isRoot
    ? ['unshare', '-m', '--propagation', 'private', 'sh', '-ec', script, 'sh', asNobody]
    : ['unshare', '-rm', 'sh', '-ec', script, 'sh', 'unshare', '-U', '--map-user=1000']
}

test('a full disk and a read-only disk are told', async () => {
  mkdirSync(join(directory, 'disk'))
  const env = { DASK_GATEWAY_ENCRYPT_KEYS: '' }
  const argv = [
    `--Proxy.address=127.0.0.1:${await freePort()}`,
    '--DBBackendBase.db_url=sqlite:///disk/x.sqlite',
  ]
  const cases: readonly [string, RegExp][] = [
    // Nothing fits; then the lock and the key, but not the database.
    ['head -c 1M /dev/zero > fill || :', /x\.sqlite\.lock, cannot be written: the disk is full/],
    ['head -c 983040 /dev/zero > fill', /DBBackendBase\.db_url.*: the disk is full\. Make room/],
    ['mount -o remount,bind,ro .', /x\.sqlite\.lock cannot be made: .*read-only.*DBBackendBase/],
  ]
  for (const [prepare, sentence] of cases) {
    const { status, stderr } = await runCommand(argv, { directory, env, by: onDisk(prepare) })
    assert.equal(status, 1, stderr)
    assert.match(stderr, sentence)
    assert.doesNotMatch(stderr, /^ +at /m, 'no stack')
    assert.deepEqual(leftBehind(directory), [])
  }
})

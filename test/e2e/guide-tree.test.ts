import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { packIn } from '../support/install-package.ts'
import { python, root } from './harness.ts'

// What the old server's install guides tell an administrator to do, done: users, folders, start script, and the last section,
// "Validate things are working", with the unmodified client. guide-tree.scenario.ts does it, as root on a private machine.

const limitMs = 8 * 60_000
const places = ['/opt/dask-gateway', '/etc/dask-gateway', '/var/dask-gateway', '/home/dask']

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'guide-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

test("the guides' tree, built, started and used", {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 60_000,
}, () => {
  const memory = join(folder, 'memory')
  mkdirSync(memory)
  const packed = packIn(folder)
  const before = places.map(existsSync)
  const { status, signal } = spawnSync(
    join(root, 'scripts/lib/private-machine.sh'),
    [
      memory,
      process.execPath,
      ...[join(import.meta.dirname, 'guide-tree.scenario.ts'), packed, python],
    ],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, PRIVATE_FOLDERS: 'etc usr var opt home root' },
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
  assert.deepEqual(places.map(existsSync), before, 'nothing of it is left on this machine')
})

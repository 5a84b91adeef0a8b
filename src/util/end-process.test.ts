import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

test('a process ends whatever its threads wait for, and what is to be done at its end is done', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'end-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const fixture = join(import.meta.dirname, 'end-process.fixture.ts')
  const { status, signal, stdout } = spawnSync(process.execPath, [fixture, pipe], {
    ...{ encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' },
  })
  assert.equal(signal, null)
  assert.equal(status, 3)
  assert.equal(stdout, 'ended\n')
})

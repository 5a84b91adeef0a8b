import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('what a busy time has left is given back when there is nothing to do, not before', () => {
  const fixture = join(import.meta.dirname, 'collect-when-idle.fixture.ts')
  const { stdout, stderr } = spawnSync(process.execPath, [fixture, '1000'], {
    ...{ encoding: 'utf8', timeout: 30_000 },
  })
  const [busy = 0, idle = 0] = stdout.trim().split('\n').map(Number)
  assert.ok(busy > 40 && idle < 10, `${stdout}${stderr}`)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { python, root } from '../e2e/harness.ts'

// The guide for job queues with its configuration for Slurm, on a real Slurm, used by the unmodified client as an ordinary user.
// slurm.scenario.ts does it, as root on a machine of its own.

const limitMs = 6 * 60_000

test('clusters on Slurm', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 60_000,
}, () => {
  const { status, signal } = spawnSync(
    join(root, 'scripts/slurm/machine'),
    [process.execPath, join(import.meta.dirname, 'slurm.scenario.ts'), python],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { python, root } from '../e2e/harness.ts'

// The guide for job queues with its configuration for PBS, used by the unmodified client as an ordinary user. What runs the jobs is
// test/fakes/pbs-commands, as no PBS can be installed here. pbs.scenario.ts does it, as root on a machine of its own.

const limitMs = 8 * 60_000

test("clusters on PBS's commands", {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 60_000,
}, () => {
  const { status, signal } = spawnSync(
    join(root, 'test/fakes/pbs-commands/machine'),
    [process.execPath, join(import.meta.dirname, 'pbs.scenario.ts'), python],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { python, root } from '../e2e/harness.ts'

// `dask-gateway-server doctor` where clusters are jobs of PBS, whose place test/fakes/pbs-commands takes. doctor-pbs.scenario.ts does it.

const limitMs = 4 * 60_000

test("doctor on PBS's commands", {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 60_000,
}, () => {
  const { status, signal } = spawnSync(
    join(root, 'test/fakes/pbs-commands/machine'),
    [process.execPath, join(import.meta.dirname, 'doctor-pbs.scenario.ts'), python],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

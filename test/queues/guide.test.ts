import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { python, root } from '../e2e/harness.ts'
import { installPackageIn } from '../support/install-package.ts'

// docs/install-jobqueue.md, its blocks run as they stand on a machine with a real Slurm, and then the old server's guide for job queues.
// guide.scenario.ts does it. There is no network in there, so `npm install` runs here.

const limitMs = 6 * 60_000

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hpc-'))
  chmodSync(folder, 0o755)
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('the guide for job queues, word for word', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 120_000,
}, () => {
  const prefix = installPackageIn(folder)
  const { status, signal } = spawnSync(
    join(root, 'scripts/slurm/machine'),
    [process.execPath, join(import.meta.dirname, 'guide.scenario.ts'), prefix, python],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

// The launcher under sudo, as two ordinary users, with a queue that only notes what it is told, and with people who try to make
// it do something else. What they try is in launcher.scenario.ts; here it gets its machine.

const root = join(import.meta.dirname, '../..')
const limitMs = 5 * 60_000

let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'launcher-'))
  // `npm test` has compiled what is there; compiling again would take it from under a gateway.
  if (!existsSync(join(root, 'dist/cli/launcher.js')))
    execFileSync(join(root, 'scripts/build'), { stdio: 'inherit' })
})

after(() => {
  rmdirSync(folder)
})

test('the launcher', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 30_000,
}, () => {
  const { status, signal } = spawnSync(
    join(root, 'scripts/lib/private-machine.sh'),
    [folder, process.execPath, join(import.meta.dirname, 'launcher.scenario.ts')],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      // Of what runs tests around it: the scenario is a program of its own.
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

// `npm start` as a newcomer types it: in a fresh clone, as root, on a machine where no user and no file of ours is. What it
// must do there is in npm-start.scenario.ts; here it gets its machine.

const root = join(import.meta.dirname, '../..')
const limitMs = 8 * 60_000

let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'start-'))
})

after(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('npm start on a fresh clone, as root', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 30_000,
}, () => {
  const clone = join(folder, 'clone')
  const memory = join(folder, 'memory')
  mkdirSync(memory)
  execFileSync('git', ['-c', 'safe.directory=*', 'clone', '--quiet', `file://${root}`, clone], {
    timeout: 60_000,
  })
  const { status, signal } = spawnSync(
    join(root, 'scripts/lib/private-machine.sh'),
    [memory, process.execPath, join(import.meta.dirname, 'npm-start.scenario.ts'), clone],
    { stdio: ['ignore', 'inherit', 'inherit'], timeout: limitMs, killSignal: 'SIGKILL' },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

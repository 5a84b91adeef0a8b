import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { python, workingDirectory } from './harness.ts'
import { leftBehind, runCommand } from './run-command.ts'

// LocalBackend with users of its own, who must not stay on this machine: see local-backend.scenario.ts.

const isRoot = process.getuid?.() === 0
const folder = mkdtempSync(join(tmpdir(), 'local-backend-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('whole clusters of two users, each as that user', {
  // Under CI it must run; without root it then fails.
  skip: isRoot || process.env.CI ? false : 'needs root',
  timeout: 9 * 60_000,
}, () => {
  assert.ok(isRoot, 'the tests of LocalBackend need root')
  const memory = join(folder, 'memory')
  mkdirSync(memory)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, signal } = spawnSync(
    join(import.meta.dirname, '../../scripts/lib/private-machine.sh'),
    [
      memory,
      ...[process.execPath, '--test', '--test-reporter=spec', '--test-timeout=240000'],
      join(import.meta.dirname, 'local-backend.scenario.ts'),
    ],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...env,
        DASK_GATEWAY_TEST_PYTHON: '/opt/dask/bin/python',
        TEST_ENVIRONMENT: join(python, '../..'),
      },
      timeout: 8 * 60_000,
      killSignal: 'SIGKILL',
    },
  )
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

const working = workingDirectory('without-root')
after(() => working.remove())

test('without root: a sentence, and nothing is written', async () => {
  const directory = working.path
  const { status, stderr } = await runCommand(
    ['--DaskGateway.backend_class=LocalBackend', '--Proxy.address=127.0.0.1:0'],
    { directory },
  )
  assert.equal(status, 1, stderr)
  assert.match(stderr, /^Error: LocalBackend runs .* start the gateway as root, or use Unsafe/)
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
  assert.deepEqual(leftBehind(directory), [])
})

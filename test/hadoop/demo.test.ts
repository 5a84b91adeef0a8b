import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { python } from '../e2e/harness.ts'

const session = `
import getpass, subprocess
cluster = gateway.new_cluster()
cluster.scale(1)
print(getpass.getuser(), cluster.get_client().submit(sum, [1, 2, 3]).result(timeout=120))
print(subprocess.getoutput("yarn application -list 2>/dev/null"))
cluster.shutdown()
`

test('the demo is a prompt of an ordinary user with clusters on YARN, and nothing is left of it', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, () => {
  const before = surroundings()
  const demo = join(import.meta.dirname, '../../scripts/hadoop/demo')
  const { status, stdout, stderr } = spawnSync(demo, {
    ...{ encoding: 'utf8', timeout: 300_000, killSignal: 'SIGKILL' },
    input: session,
    env: { ...process.env, DASK_GATEWAY_TEST_PYTHON: python },
  })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /cluster = gateway\.new_cluster\(\)/)
  assert.match(stdout, /^alice 6$/m, stderr)
  assert.match(stdout, /dask-gateway \w+\s+dask\s+alice\s+root\.default\s+RUNNING/)
  assert.doesNotMatch(stderr, /[Uu]nclosed|Error|Warning/)
  assert.deepEqual(surroundings(), before)
})

function surroundings() {
  const files = ['/etc/passwd', '/etc/group', '/etc/hosts', '/proc/self/mounts']
  const places = ['/home/alice', '/etc/hadoop', '/var/lib/hadoop', '/run/hadoop-machine']
  return [files.map((path) => readFileSync(path, 'utf8')), places.map(existsSync)]
}

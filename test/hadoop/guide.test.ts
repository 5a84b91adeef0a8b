import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { python } from '../e2e/harness.ts'
import { environmentOf, hadoopMachine } from '../support/hadoop.ts'
import { installPackageIn } from '../support/install-package.ts'
import { packedEnvironment } from '../support/packed-environment.ts'

// The old server's guide for Hadoop, its lines as they stand, on a machine with HDFS, YARN and Kerberos. guide.scenario.ts does it. There
// is no network in there, so what comes from one is got here.

const limitMs = 6 * 60_000

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'guide-'))
  chmodSync(folder, 0o755)
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('the guide for Hadoop, word for word', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: limitMs + 120_000,
}, () => {
  copyFileSync(packedEnvironment(), join(folder, 'example.tar.gz'))
  const prefix = installPackageIn(folder)
  const scenario = join(import.meta.dirname, 'guide.scenario.ts')
  const words = [process.execPath, scenario, prefix, python, join(folder, 'example.tar.gz')]
  const { status, signal } = spawnSync(hadoopMachine, words, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
    env: {
      ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: process.env.HOME },
      ...environmentOf({
        security: 'kerberos',
        // "If looser restrictions are acceptable, you may also use the wildcard".
        core: { 'hadoop.proxyuser.dask.hosts': '*', 'hadoop.proxyuser.dask.groups': '*' },
      }),
    },
  })
  assert.equal(status, 0, `the scenario ended with ${signal ?? status}; its words are above`)
})

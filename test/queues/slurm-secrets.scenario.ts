// Run by slurm-secrets.test.ts inside a machine with Slurm.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { randomHex } from '../../src/util/index.ts'
import { install, QueueGateway } from '../support/queue-gateway.ts'
import { runAs } from '../support/slurm-machine.ts'

install()
// Of this run alone, as files are searched for it.
const valueOfAlice = randomHex(16)
// Slow enough for everybody to look at it.
mkdirSync('/opt/slow', { mode: 0o755 })
const slow = '#!/bin/sh\nsleep 0.5\nexec /usr/bin/sbatch "$@"\n'
writeFileSync('/opt/slow/sbatch', slow, { mode: 0o755 })
const gateway = await new QueueGateway({
  ...{ name: 's', backend: 'jobqueue.slurm.SlurmBackend' },
  config: `
c.ClusterConfig.environment["OF_ALICE"] = "${valueOfAlice}"
c.SlurmBackend.submit_command = "/opt/slow/sbatch"
`,
}).start()
after(() => gateway.stop())

const staging = '/home/alice/.dask-gateway'

test('another user sees no secret: not by the commands of Slurm, not in /proc, during a submit or a run', async () => {
  const [out, over] = ['/tmp/seen', '/tmp/over']
  const watcher = [
    '/usr/bin/python3',
    '-IS',
    join(import.meta.dirname, 'look-around.py'),
    out,
    over,
  ]
  const watching = runAs('bob', watcher)
  const name = await gateway.create('alice')
  await gateway.becomes('alice', name, 'RUNNING')
  await gateway.scale('alice', name, 2)
  await gateway.until('two workers', async () => (await gateway.running('alice', name)) === 2)
  const path = join(staging, name)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  const files = readdirSync(path).filter((each) => statSync(join(path, each)).isFile())
  for (const file of files) assert.equal(statSync(join(path, file)).mode & 0o777, 0o600, file)
  const read = (file: string) => readFileSync(join(path, file), 'utf8')
  const body = (pem: string) => pem.split('\n')[1] ?? ''
  const secrets = {
    token: read('token'),
    key: body(read('dask.pem')),
    certificate: body(read('dask.crt')),
    variable: valueOfAlice,
  }
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
  assert.deepEqual(readdirSync(staging), [])
  writeFileSync(over, '')
  assert.equal((await watching).status, 0)
  const seen = readFileSync(out, 'latin1')
  // It has looked where secrets could have been.
  for (const sight of [
    'dask-gateway-jobqueue-launcher',
    '--job-name=dg-',
    'mini_dask.py',
    'JobId=',
  ])
    assert.ok(seen.includes(sight), sight)
  for (const [what, secret] of Object.entries(secrets)) {
    assert.ok(secret.length > 10, what)
    assert.ok(!seen.includes(secret), `${what} was seen`)
  }
})

test('a submit that is refused leaves no file', async () => {
  const name = await gateway.create('alice', { partition: 'nope' })
  await gateway.eventOf('alice', name, /invalid partition specified: nope/)
  await gateway.becomes('alice', name, 'FAILED')
  assert.deepEqual(readdirSync(staging), [])
  await gateway.balance()
})

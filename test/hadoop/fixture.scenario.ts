// Run by fixture.test.ts inside a machine with Hadoop.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { after, test } from 'node:test'
import { createResourceManagerClient, HadoopError } from '../../src/hadoop/index.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { hadoopDaemon, hadoopPlaces, runAs } from '../support/hadoop.ts'
import { clientOptions, daskLogin } from './support.ts'

const limitMs = 90_000
const options = await clientOptions(daskLogin('kerberos'))
const client = createResourceManagerClient(options)
const alice = client.as('alice')
after(() => {
  client.close()
  if (options.login.kind === 'kerberos') options.login.initiator.close()
})

test('a ResourceManager that is killed and started again knows its applications; calls wait for it', async () => {
  const { applicationId } = await alice.newApplication()
  await alice.submit({
    applicationId,
    queue: 'small',
    maxAppAttempts: 1,
    amContainerSpec: { command: ['touch /tmp/runs; exec sleep 600'] },
    resource: { memoryMiB: 128, virtualCores: 1 },
  })
  await waitFor('the container', () => existsSync('/tmp/runs'), limitMs)
  await hadoopDaemon('kill', 'resourcemanager')
  await assert.rejects(
    alice.report(applicationId, { limitMs: 500 }),
    (error) => error instanceof HadoopError && /could not be asked/.test(error.message),
  )
  const asked = alice.report(applicationId, { limitMs })
  await hadoopDaemon('start', 'resourcemanager', 'nodemanager')
  assert.equal((await asked)?.user, 'alice')
  await waitFor('the end', () => alice.kill(applicationId), limitMs)
})

test('an application master that says nothing is given up after its time', async () => {
  const { applicationId } = await alice.newApplication()
  await alice.submit({
    applicationId,
    maxAppAttempts: 1,
    amContainerSpec: { command: ['exec sleep 600'] },
    resource: { memoryMiB: 128, virtualCores: 1 },
  })
  const ended = async () => (await alice.report(applicationId))?.state === 'FAILED'
  await waitFor('the end', ended, limitMs)
  assert.match((await alice.report(applicationId))?.diagnostics ?? '', /[Tt]imed out/)
})

test('the machine has accounts, keys for each alone, and commands as in the guide', async () => {
  assert.equal(hostname(), hadoopPlaces.host)
  assert.notEqual((await runAs('alice', ['cat', hadoopPlaces.daskKeytab])).status, 0)
  const words = [
    'kinit -kt alice.keytab alice',
    'hdfs dfs -ls /user',
    'yarn application -list 2>/dev/null',
  ]
  const { stdout } = await runAs('alice', ['sh', '-c', words.join(' && ')])
  assert.match(stdout, /alice +alice .* \/user\/alice\n/)
  assert.match(stdout, /Total number of applications .*:0/)
  const seen = readFileSync('/etc/hadoop/conf/yarn-site.xml', 'utf8')
  assert.match(seen, /master-key-rolling-interval-secs<\/name><value>40</)
})

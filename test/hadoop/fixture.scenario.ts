// Run by fixture.test.ts inside a machine with Hadoop.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import {
  createFileSystemClient,
  createResourceManagerClient,
  HadoopError,
  readConfiguration,
} from '../../src/hadoop/index.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { asUser, hadoopDaemon, hadoopPlaces, runAs } from '../support/hadoop.ts'
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

test('a standby NameNode refers to the active one', async (t) => {
  // A second one, which knows itself as nn1 of two and waits to be made the active one. (A standby ResourceManager does not even listen.)
  const folder = await mkdtemp(join(tmpdir(), 'standby-'))
  await cp(hadoopPlaces.configuration, folder, { recursive: true })
  await chmod(folder, 0o755)
  const properties = {
    'dfs.nameservices': 'both',
    'dfs.ha.namenodes.both': 'nn1,nn2',
    'dfs.namenode.rpc-address.both.nn1': `${hadoopPlaces.host}:9020`,
    'dfs.namenode.http-address.both.nn1': `${hadoopPlaces.host}:9021`,
    'dfs.namenode.rpc-address.both.nn2': `${hadoopPlaces.host}:8020`,
    'dfs.namenode.http-address.both.nn2': `${hadoopPlaces.host}:9870`,
    'dfs.ha.namenode.id': 'nn1',
    'dfs.namenode.name.dir': 'file:///var/lib/hadoop/namenode-1',
    'dfs.namenode.shared.edits.dir': 'file:///var/lib/hadoop/shared',
  }
  const lines = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  )
  const site = await readFile(join(folder, 'hdfs-site.xml'), 'utf8')
  const end = '</configuration>'
  await writeFile(join(folder, 'hdfs-site.xml'), site.replace(end, lines.join('') + end))

  const program = [
    `CONFIGURATION=${folder}`,
    resolve(import.meta.dirname, '../../scripts/hadoop/java'),
    'org.apache.hadoop.hdfs.server.namenode.NameNode',
  ]
  const formatted = await runAs('hdfs', [...program, '-format', '-force', '-nonInteractive'])
  assert.equal(formatted.status, 0, formatted.stderr.slice(-2000))
  const [command = '', ...words] = [...asUser('hdfs'), ...program]
  const standby = spawn(command, words, { stdio: 'ignore' })
  t.after(async () => {
    if (standby.kill('SIGKILL')) await once(standby, 'exit')
    await rm(folder, { recursive: true })
  })

  const configuration = await readConfiguration(folder)
  const clientOf = (authority: string) => {
    const client = createFileSystemClient({ ...options, configuration, authority })
    t.after(() => client.close())
    return client.as('alice')
  }
  const alone = clientOf(`${hadoopPlaces.host}:9020`)
  const refused = () =>
    alone.status('/', { limitMs: 1_000 }).then(
      () => assert.fail('it is active'),
      (error: Error) => /READ is not supported in state standby/.test(error.message),
    )
  await waitFor('the standby to refuse', refused, limitMs)
  assert.equal((await clientOf('both').status('/user/alice'))?.owner, 'alice')
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

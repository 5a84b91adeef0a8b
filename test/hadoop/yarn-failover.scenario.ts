// Run by yarn-failover.test.ts inside a machine with Kerberos, where nothing is encrypted, nobody may see what is not their own
// (yarn.acl.enable), and there are two ResourceManagers and two NameNodes, of which rm1 and nn1 are active.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import {
  type ApplicationId,
  applicationIdText,
  createFileSystemClient,
  createResourceManagerClient,
  nameNodeStates,
  resourceManagerStates,
} from '../../src/hadoop/index.ts'
import { createInitiator } from '../../src/kerberos/index.ts'
import { activate, hadoopDaemon, hadoopLogs, hadoopPlaces } from '../support/hadoop.ts'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'
import { clientOptions, daskLogin } from './support.ts'

installGateway()
const gateway = await new YarnGateway({
  name: 'h',
  config: 'c.DBBackendBase.cluster_status_period = 2\n',
}).start()
const options = await clientOptions(daskLogin('kerberos'))
const manager = createResourceManagerClient(options)
after(async () => {
  await gateway.stop()
  manager.close()
  if (options.login.kind === 'kerberos') options.login.initiator.close()
  if (process.env.HADOOP_SHOW_LOGS !== undefined) console.log(await hadoopLogs(), gateway.log())
})

const doctor = (...more: readonly string[]) => gateway.doctor('--user=alice', '--no-probe', ...more)

const hasWorkers = (count: number) =>
  gateway.until(`${count} workers`, async () => (await gateway.running('alice', name)) === count)

await hadoopDaemon('start', 'second-resourcemanager', 'second-namenode')
const files = createFileSystemClient(options)
await files.as().write('/dask-gateway/greeting', Readable.from([Buffer.from('hello')]), 0o644)
files.close()
const settings = {
  localize_files: { greeting: 'hdfs:///dask-gateway/greeting' },
  worker_setup: '[ "$(cat greeting)" = hello ] || exit 5',
}
const name = await gateway.create('alice', settings)
await gateway.becomes('alice', name, 'RUNNING')
await gateway.scale('alice', name, 1)
await hasWorkers(1)

/** An application of bob that sleeps. */
async function submit(called: string, applicationType: string, tags: readonly string[]) {
  const { applicationId } = await manager.as('bob').newApplication()
  await manager.as('bob').submit({
    ...{ applicationId, applicationName: called, applicationType, tags, queue: 'default' },
    amContainerSpec: { command: ['exec sleep 600'] },
    resource: { memoryMiB: 256, virtualCores: 1 },
  })
  return applicationId
}

test('applications that no record knows are listed and left alone', async () => {
  const tagsOf = (instanceId: string) => [`dg-${instanceId}`, `dg-${instanceId}-${'b'.repeat(16)}`]
  const lost = 'c'.repeat(32)
  const strays: readonly ApplicationId[] = [
    await submit(`dask-gateway ${lost}`, 'dask', tagsOf('d'.repeat(32))),
    await submit(`dask-gateway ${lost}`, 'dask', tagsOf(gateway.instanceId())),
    await submit('dask-gateway', 'skein', []),
  ]
  const [other, own, old] = strays.map((id) => `application ${applicationIdText(id)} of bob`)
  const found = await doctor('--orphans')
  const listed = (words: string) => assert.match(found, new RegExp(words))
  listed(`cluster ${lost} of another instance \\(d{32}\\): ${other} `)
  listed(`cluster ${lost}, attempt b{16}, which no record knows: ${own} `)
  listed(`named as by the old server: ${old} `)
  assert.doesNotMatch(found, /application \w+ of alice/)
  // The gateway's account is no administrator of YARN.
  listed(
    "ok resource managers ResourceManager rm1 \\(cluster\\.dask\\.test:8032\\) is active; rm2 \\(cluster\\.dask\\.test:8133\\) is up, and does not say whether it is active: .*'getServiceState'",
  )
  listed(
    'ok name nodes of files NameNode nn1 \\(cluster\\.dask\\.test:8020\\) is active; nn2 \\(cluster\\.dask\\.test:8120\\) stands by ',
  )
  for (const id of strays)
    await gateway.until('its end', () => manager.as('bob').kill(id, 'no longer needed'))
})

test('a cluster goes on, grows and stops when the other ResourceManager and NameNode take over', async () => {
  const [first] = await gateway.workers('alice', name)
  await hadoopDaemon('kill', 'resourcemanager', 'namenode')
  assert.match(
    await doctor(),
    /failed resource managers No ResourceManager is known to be active: rm1 .*; rm2 /,
  )
  await activate('rm2')
  await activate('nn2')
  await gateway.scale('alice', name, 2)
  await hasWorkers(2)
  const names = (await gateway.workers('alice', name)).map((worker) => worker.name)
  assert.ok(names.includes(first?.name ?? ''))
  const found = await doctor()
  assert.match(
    found,
    /warning resource managers ResourceManager rm2 \(cluster\.dask\.test:8132\) is active; rm1 \(cluster\.dask\.test:8033\) cannot be asked: connect ECONNREFUSED/,
  )
  assert.match(
    found,
    /warning name nodes of files NameNode nn2 \(cluster\.dask\.test:8120\) is active; nn1 \(cluster\.dask\.test:8020\) cannot be asked: connect ECONNREFUSED/,
  )

  // From now on they stand by.
  await hadoopDaemon('start', 'resourcemanager', 'namenode')
  const another = await gateway.create('alice', settings)
  await gateway.becomes('alice', another, 'RUNNING')
  await gateway.scale('alice', another, 1)
  await gateway.until('its worker', async () => (await gateway.running('alice', another)) === 1)
  for (const each of [name, another]) {
    await gateway.remove('alice', each)
    await gateway.becomes('alice', each, 'STOPPED')
  }
  await gateway.balance()
})

test('a NameNode that stands by refers to the active one', async () => {
  const status = async (authority?: string) => {
    const client = createFileSystemClient({ ...options, authority })
    return await client.as('dask').status('/dask-gateway', { limitMs: 5_000 }).finally(client.close)
  }
  await assert.rejects(status('cluster.dask.test:8020'), /not supported in state standby/)
  assert.equal((await status())?.owner, 'dask')
  const states = await nameNodeStates(options)
  assert.deepEqual(
    states.map(({ id, state }) => [id, state]),
    [
      ['nn1', 'standby'],
      ['nn2', 'active'],
    ],
  )
})

test('an administrator of YARN is told which ResourceManager is active', async () => {
  const principal = `yarn/${hadoopPlaces.host}`
  const initiator = createInitiator({ keytab: '/etc/security/keytabs/yarn.keytab', principal })
  const states = await resourceManagerStates({ ...options, login: { kind: 'kerberos', initiator } })
  initiator.close()
  assert.deepEqual(
    states.map(({ id, place, state }) => [id, place, state]),
    [
      ['rm1', 'cluster.dask.test:8033', 'standby'],
      ['rm2', 'cluster.dask.test:8132', 'active'],
    ],
  )
})

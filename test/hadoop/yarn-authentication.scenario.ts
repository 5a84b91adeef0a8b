// Run by yarn-authentication.test.ts inside a machine with Hadoop where nobody may see what is not their own (yarn.acl.enable).
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  type ApplicationId,
  applicationIdText,
  createResourceManagerClient,
} from '../../src/hadoop/index.ts'
import { installGateway } from '../support/queue-gateway.ts'
import { YarnGateway } from '../support/yarn-gateway.ts'
import { clientOptions, daskLogin } from './support.ts'

installGateway()
const gateway = await new YarnGateway({ name: 'a' }).start()
const options = await clientOptions(daskLogin('kerberos'))
const manager = createResourceManagerClient(options)
after(async () => {
  await gateway.stop()
  manager.close()
  if (options.login.kind === 'kerberos') options.login.initiator.close()
})

/** An application of bob that sleeps. */
async function submit(name: string, applicationType: string, tags: readonly string[]) {
  const { applicationId } = await manager.as('bob').newApplication()
  await manager.as('bob').submit({
    ...{ applicationId, applicationName: name, applicationType, tags, queue: 'default' },
    amContainerSpec: { command: ['exec sleep 600'] },
    resource: { memoryMiB: 256, virtualCores: 1 },
  })
  return applicationId
}

test('a cluster runs, and applications that no record knows are listed and left alone', async () => {
  const name = await gateway.create('alice')
  await gateway.becomes('alice', name, 'RUNNING')
  await gateway.scale('alice', name, 1)
  await gateway.until('a worker', async () => (await gateway.running('alice', name)) === 1)

  const tagsOf = (instanceId: string) => [`dg-${instanceId}`, `dg-${instanceId}-${'b'.repeat(16)}`]
  const lost = 'c'.repeat(32)
  const strays: readonly ApplicationId[] = [
    await submit(`dask-gateway ${lost}`, 'dask', tagsOf('d'.repeat(32))),
    await submit(`dask-gateway ${lost}`, 'dask', tagsOf(gateway.instanceId())),
    await submit('dask-gateway', 'skein', []),
  ]
  const [other, own, old] = strays.map((id) => `application ${applicationIdText(id)} of bob`)
  const found = await gateway.doctor('--orphans', '--no-probe')
  assert.match(found, new RegExp(`cluster ${lost} of another instance \\(d{32}\\): ${other} `))
  assert.match(found, new RegExp(`cluster ${lost}, attempt b{16}, which no record knows: ${own} `))
  assert.match(found, new RegExp(`named as by the old server: ${old} `))
  assert.doesNotMatch(found, /application \w+ of alice/)

  for (const id of strays)
    await gateway.until('its end', () => manager.as('bob').kill(id, 'no longer needed'))
  await gateway.remove('alice', name)
  await gateway.becomes('alice', name, 'STOPPED')
  await gateway.balance()
})

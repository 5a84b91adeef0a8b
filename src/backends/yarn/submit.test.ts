import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { BackendContext, Cluster } from '../../core/index.ts'
import { type Configuration, decodeCredentials, readConfiguration } from '../../hadoop/index.ts'
import { containerLaunchContext, resource } from '../../hadoop/messages/yarn-common.ts'
import { Applications } from './applications.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import { yarnSettingsOf } from './settings.ts'
import { submitApplication } from './submit.ts'

// What is submitted for settings that the YARN of the other tests has nothing for: node labels, GPUs, Docker.
async function submitted(t: TestContext, settings: { readonly [name: string]: unknown }) {
  const folder = await mkdtemp(join(tmpdir(), 'submit-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const site of ['core', 'hdfs', 'yarn'])
    await writeFile(join(folder, `${site}-site.xml`), '<configuration/>')
  const cluster = {
    name: 'c'.repeat(32),
    username: 'alice',
    ...{ token: 'the-token', tlsCert: 'the-certificate', tlsKey: 'the-key' },
    attempt: { id: 'a'.repeat(16), createdAt: Date.now(), handle: null, runningSince: null },
    settings: yarnSettingsOf({ settings: settings as unknown as Cluster['settings'] }),
  } as unknown as Cluster
  const applications = new Applications(join(folder, 'applications'))
  await applications.load()
  const seen: unknown[] = []
  const place = placeOf(await readConfiguration(folder), seen)
  const context = { instanceId: 'i'.repeat(32), apiUrl: 'http://gateway/api' } as BackendContext
  const parts = { place, applications, context, heartbeatPeriodSeconds: 15 }
  const outcome = await submitApplication(parts, cluster, 'a'.repeat(16), t.signal)
  return { outcome, context: seen[0] as Parameters<Manager['submit']>[0] | undefined }
}

type Manager = ReturnType<HadoopPlace['manager']['as']>

function placeOf(configuration: Configuration, seen: unknown[]): HadoopPlace {
  const manager = {
    newApplication: async () => ({
      applicationId: { id: 7, clusterTimestamp: 1 },
      maximumCapability: { memoryMiB: 4096, virtualCores: 8 },
    }),
    submit: async (context: unknown) => {
      seen.push(context)
    },
  }
  return { configuration, manager: { as: () => manager } } as unknown as HadoopPlace
}

/** What the application master learns of workers. */
function workersOf(context: Parameters<Manager['submit']>[0] | undefined) {
  const { secrets } = decodeCredentials(Buffer.from(context?.amContainerSpec?.tokens ?? []))
  const { worker } = JSON.parse(Buffer.from(secrets.get('dask-gateway') ?? []).toString())
  return {
    label: worker.label,
    capability: resource.decode(Buffer.from(worker.capability, 'base64')),
    launch: containerLaunchContext.decode(Buffer.from(worker.launch, 'base64')),
  }
}

test('queue, priority, node label, other resources: of the scheduler and of workers', async (t) => {
  const { context } = await submitted(t, {
    ...{ queue: 'research', priority: 3, node_label: 'fast' },
    ...{ scheduler_memory: 2 ** 30, scheduler_cores: 1, worker_memory: 2 ** 31, worker_cores: 4 },
    ...{ scheduler_resources: {}, worker_resources: { 'yarn.io/gpu': 2 } },
  })
  assert.equal(context?.queue, 'research')
  assert.deepEqual(context.priority, { priority: 3 })
  assert.equal(context.nodeLabelExpression, 'fast')
  assert.equal(context.maxAppAttempts, 1)
  assert.deepEqual(context.resource, { memoryMiB: 1024, virtualCores: 1, others: [] })
  const { label, capability } = workersOf(context)
  assert.equal(label, 'fast')
  assert.deepEqual(capability.others, [{ key: 'yarn.io/gpu', value: 2 }])
  assert.deepEqual([capability.memoryMiB, capability.virtualCores], [2048, 4])
})

test("what is not set is the queue's", async (t) => {
  const { context } = await submitted(t, {})
  assert.equal(context?.queue, 'default')
  assert.equal(context.priority, undefined)
  assert.equal(context.nodeLabelExpression, undefined)
  assert.equal(workersOf(context).label, null)
  assert.deepEqual(context.amContainerSpec?.environment, [])
})

test('an image of Docker with its mounts, for both', async (t) => {
  const { context } = await submitted(t, {
    docker_image: 'daskdev/dask:1',
    docker_mounts: ['/data:/data:ro', '/tmp:/tmp:rw'],
  })
  const wanted = [
    { key: 'YARN_CONTAINER_RUNTIME_TYPE', value: 'docker' },
    { key: 'YARN_CONTAINER_RUNTIME_DOCKER_IMAGE', value: 'daskdev/dask:1' },
    { key: 'YARN_CONTAINER_RUNTIME_DOCKER_MOUNTS', value: '/data:/data:ro,/tmp:/tmp:rw' },
  ]
  assert.deepEqual(context?.amContainerSpec?.environment, wanted)
  assert.deepEqual(workersOf(context).launch.environment, wanted)
})

test('secrets are in the credentials alone', async (t) => {
  const { context } = await submitted(t, { environment: { PASSWORD: 'the-password' } })
  const { tokens, ...rest } = context?.amContainerSpec ?? {}
  for (const secret of ['the-token', 'the-key', 'the-password']) {
    assert.ok(Buffer.from(tokens ?? []).includes(secret), secret)
    const open = JSON.stringify([rest, workersOf(context).launch])
    assert.ok(!open.includes(secret), secret)
    for (const [, packed = ''] of open.matchAll(/echo (\S+)\|base64/g))
      assert.ok(!gunzipSync(Buffer.from(packed, 'base64')).includes(secret), secret)
  }
})

test('what is larger than the largest container is not submitted', async (t) => {
  const { outcome, context } = await submitted(t, { worker_memory: 2 ** 33, worker_cores: 1 })
  assert.equal(context, undefined)
  assert.match(JSON.stringify(outcome), /worker of 8192 MiB .* largest container, 4096 MiB/)
})

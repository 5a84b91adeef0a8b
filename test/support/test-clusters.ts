import type { TestContext } from 'node:test'
import { createClusters } from '../../src/clusters/index.ts'
import {
  type ClusterSettings,
  clusterConfigSettings,
  dbBackendSettings,
  type Logger,
  quotasSettings,
  resolveSettings,
} from '../../src/core/index.ts'
import { FakeBackend } from '../fakes/fake-backend.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { waitFor } from '../fakes/wait-for.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent }

/** The real state machine over a backend and a store in memory, with one started cluster of alice; ends with the test. */
export async function createTestClusters(
  test: TestContext,
  settings: Partial<ClusterSettings> = {},
) {
  const store = new MemoryStore()
  const backend = new FakeBackend()
  const defaults = resolveSettings(clusterConfigSettings, new Map()) as unknown as ClusterSettings
  const clusters = createClusters({
    store,
    drain: store,
    quotaStore: store,
    quotaPolicy: () => resolveSettings(quotasSettings, new Map()),
    logArchive: store,
    backend,
    routes: {
      put: () => 1,
      remove: () => 1,
      whenAcknowledged: async () => [],
      clientsOf: () => ({ state: 'unknown' }),
    },
    options: { fieldsFor: async () => [], settingsFor: async () => ({}) },
    resolveSettings: () => ({
      settings: { ...defaults, cluster_max_workers: 5, ...settings },
      warnings: [],
    }),
    policy: resolveSettings(dbBackendSettings, new Map()),
    ownPorts: () => [],
    logger: silent,
  })
  backend.onChange = () => clusters.wake()
  test.after(() => clusters.stop())
  await clusters.load()
  await clusters.start(AbortSignal.timeout(5000))
  const { name } = await clusters.service.create({ name: 'alice', groups: [], admin: false }, {})
  const cluster = await waitFor('the scheduler to be started', () => {
    const now = store.clusters.get(name)
    return now?.status === 'submitted' ? now : null
  })
  return { clusters, cluster, store, backend }
}

// `dask-gateway-server` with a backend whose clusters are records only; otherwise the program as it is, and bundled as it is.
import { backends } from '../src/backends/index.ts'
import type { Backend } from '../src/core/index.ts'

const idle: Backend = {
  start: async () => {},
  stop: async () => {},
  startScheduler: async () => ({ outcome: 'started', handle: {} }),
  startWorkers: async (_cluster, workers) =>
    new Map(workers.map(({ attemptId }) => [attemptId, { outcome: 'started', handle: {} }])),
  observe: async (refs) =>
    new Map(
      refs.map(({ attemptId }) => [
        attemptId,
        { state: 'running', since: null, nodeAddresses: [] },
      ]),
    ),
  find: async (refs) =>
    new Map(refs.map(({ attemptId }) => [attemptId, { state: 'found', handle: {} }])),
  stopObjects: async () => {},
  logs: async () => null,
  cleanUp: async () => [],
  sweep: async () => [],
}

Object.assign(backends.UnsafeLocalBackend ?? {}, { create: () => idle, check: async () => {} })
void import('../src/cli/main.ts')

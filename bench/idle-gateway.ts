// `dask-gateway-server` with a backend whose clusters are records only; otherwise the compiled program as it is.
import type { Backend } from '../src/core/index.ts'

const compiled = (path: string) => new URL(`../dist/${path}`, import.meta.url).href

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
  cleanUp: async () => {},
  sweep: async () => [],
}

const { backends } = (await import(compiled('backends/index.js'))) as {
  readonly backends: { readonly [name: string]: object }
}
Object.assign(backends.UnsafeLocalBackend ?? {}, { create: () => idle, check: async () => {} })
await import(compiled('cli/main.js'))

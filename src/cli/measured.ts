import {
  type Backend,
  backendCalls,
  type Change,
  type ClusterStore,
  type Telemetry,
} from '../core/index.ts'
import { withMethods } from './with-methods.ts'

/** The store, whose writes are measured. */
export function measuredStore<S extends ClusterStore>(store: S, telemetry: Telemetry): S {
  const commit = async (changes: readonly Change[]) => {
    const start = performance.now()
    try {
      await store.commit(changes)
    } catch (error) {
      telemetry.commitFailed()
      throw error
    }
    telemetry.committed(changes, (performance.now() - start) / 1000)
  }
  return withMethods(store, { commit })
}

/** The backend, whose calls are measured. */
export function measuredBackend(backend: Backend, telemetry: Telemetry): Backend {
  const methods = backendCalls.map((name) => {
    const call = backend[name].bind(backend) as (...args: readonly unknown[]) => Promise<unknown>
    const measured = async (...args: readonly unknown[]) => {
      const start = performance.now()
      let failed = true
      try {
        const answer = await call(...args)
        failed = false
        return answer
      } finally {
        telemetry.backendCalled(name, failed, (performance.now() - start) / 1000)
      }
    }
    return [name, measured] as const
  })
  return withMethods(backend, Object.fromEntries(methods))
}

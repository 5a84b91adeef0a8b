import {
  type Backend,
  backendCalls,
  type Change,
  type ClusterStore,
  type Telemetry,
} from '../core/index.ts'
import { withCalls, withMethods } from './with-methods.ts'

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
  return withCalls(backend, backendCalls, (name, call) => async (...given) => {
    const start = performance.now()
    let failed = true
    try {
      const answer = await call(...given)
      failed = false
      return answer
    } finally {
      telemetry.backendCalled(name, failed, (performance.now() - start) / 1000)
    }
  })
}

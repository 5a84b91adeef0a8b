import type { Backend, BackendContext, SettingsClass } from '../core/index.ts'

/** A kind of backend: what may be set for it, and how one is made. `src/backends/index.ts` lists them. */
export interface BackendDriver<V = unknown> {
  /** `c.<Name>Backend`. */
  readonly settings: SettingsClass<V>
  /** The class of cluster settings that is used when `Backend.cluster_config_class` names none. */
  readonly clusterSettings: SettingsClass
  /** Where clusters run, hence by which of the gateway's addresses they reach it. */
  readonly runsOn: 'this-host' | 'nodes'
  /** `values`: `settings`, resolved. Without effects: `start` has them. Throws 'configuration' when it cannot be used. */
  create(values: V, context: BackendContext): Backend
  /** Asked at each start before anything is written. Throws 'configuration' when whoever starts it may not. */
  check?(values: V, signal: AbortSignal): Promise<void>
}

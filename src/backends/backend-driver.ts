import type { Backend, BackendContext, ClusterSettings, SettingsClass } from '../core/index.ts'

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
  /**
   * For `doctor`: how a command of a cluster would be run here. `username`: whose cluster, where that matters. Throws
   * 'configuration' with the reason when it would be refused. Absent where commands run on other machines.
   */
  rehearse?(
    values: V,
    role: 'scheduler' | 'worker',
    settings: ClusterSettings,
    username: string | null,
    signal: AbortSignal,
  ): Promise<Rehearsal>
  /** For `doctor`: what on this machine carries the mark of any gateway. It looks, and touches nothing. */
  findMarked?(values: V, stateDirectory: string): Promise<readonly Marked[]>
}

/** A command as it would be run. */
export interface Rehearsal {
  readonly argv: readonly string[]
  /** What the owner of the cluster would be told about it; null: nothing. */
  readonly note: string | null
  /** null: the account of this process. */
  readonly accountName: string | null
  /** Runs something else just so, to its end. */
  readonly run: (
    argv: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly status: number | null; readonly output: string; readonly errors: string }>
}

/** A process or a directory of some gateway's cluster. */
export interface Marked {
  readonly what: string
  /** A user id; null: it was gone again. */
  readonly owner: number | null
  readonly instanceId: string
  /** null: a directory, which belongs to the whole cluster. */
  readonly attemptId: string | null
  readonly clusterName: string
}

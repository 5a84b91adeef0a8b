import type {
  Backend,
  BackendContext,
  Checks,
  ClusterSettings,
  Finding,
  SettingsClass,
} from '../core/index.ts'

/** A kind of backend: what may be set for it, and how one is made. `src/backends/index.ts` lists them. */
export interface BackendDriver<V = unknown> {
  /** `c.<Name>Backend`. */
  readonly settings: SettingsClass<V>
  /** The class of cluster settings that is used when `Backend.cluster_config_class` names none. */
  readonly clusterSettings: SettingsClass
  /** Where clusters run, hence by which of the gateway's addresses they reach it. */
  readonly runsOn: 'this-host' | 'nodes'
  /** Each cluster runs as the account of its user; absent: all run as one. */
  readonly runsAsUser?: boolean
  /** `values`: `settings`, resolved. Without effects: `start` has them. Throws 'configuration' when it cannot be used. */
  create(values: V, context: BackendContext): Backend
  /** Asked at each start before anything is written. Throws 'configuration' when whoever starts it may not. */
  check?(values: V, signal: AbortSignal): Promise<void>
  /**
   * For `doctor`: how a command of a cluster would be run here. `username`: whose cluster; never null where `runsAsUser`. Throws
   * 'configuration' with the reason when it would be refused. Absent where commands run on other machines.
   */
  rehearse?(
    values: V,
    role: 'scheduler' | 'worker',
    settings: ClusterSettings,
    username: string | null,
    signal: AbortSignal,
  ): Promise<Rehearsal>
  /**
   * For `doctor`, where clusters run on other machines: looks at everything between the gateway and these, hop by hop, by `checks`. What it
   * starts there it takes back, by `checks.finish`. Absent: clusters run on this machine.
   */
  checkHops?(values: V, given: HopsToCheck, checks: Checks): Promise<void>
  /** For `doctor`: what on this machine, or on the system that jobs run on, carries the mark of any gateway. It looks, and touches nothing. */
  findMarked?(values: V, stateDirectory: string): Promise<readonly Marked[]>
}

/** What a backend's own checks are told. */
export interface HopsToCheck {
  /** Whose clusters to look at, with what one that asks for nothing would get; null: what belongs to a user is left out. */
  readonly user: { readonly name: string; readonly settings: ClusterSettings } | null
  /** Whether something may be started there. */
  readonly probe: boolean
  /** What schedulers report to. */
  readonly apiUrl: string
  /** Of this package. */
  readonly version: string
  /** The gateway that runs now; null: none does. */
  readonly gateway: {
    readonly instanceId: string
    readonly stateDirectory: string
    /** Follows TLS with SNI from here, by the proxy, to who listens there. `fingerprint`: SHA-256 of the certificate that is to come. */
    checkTunnel(
      target: { readonly host: string; readonly port: number; readonly fingerprint: string },
      signal: AbortSignal,
    ): Promise<Finding>
  } | null
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

/** A process, a directory, a job or an application of some gateway's cluster. */
export interface Marked {
  readonly what: string
  /** A user id; null: it was gone again, or what it is tells. */
  readonly owner: number | null
  /** null: it is named as all of the old server's. */
  readonly instanceId: string | null
  /** null: a directory, which belongs to the whole cluster. */
  readonly attemptId: string | null
  /** null: nothing on it tells. */
  readonly clusterName: string | null
}

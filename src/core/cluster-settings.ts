import type { Json } from './json.ts'

/** A command: a list is argv, exactly; a string is shell text (split as a shell would where there is none). */
export type Command = string | readonly string[]

/**
 * The settings of one cluster, resolved from its cluster configuration class and from what the
 * options handler returned. Those of `ClusterConfig` are always there, under the names of the
 * configuration file; a backend's own class adds more, which that backend reads.
 */
export interface ClusterSettings {
  readonly scheduler_cmd: Command
  readonly worker_cmd: Command
  readonly environment: { readonly [name: string]: string }
  /** What its usage is counted for. */
  readonly labels: { readonly [name: string]: string }
  /** Bytes. */
  readonly worker_memory: number
  readonly worker_cores: number
  /** null: as many as worker_cores. */
  readonly worker_threads: number | null
  /** Bytes. */
  readonly scheduler_memory: number
  readonly scheduler_cores: number
  /** Seconds. */
  readonly adaptive_period: number
  /** Seconds; 0: never. */
  readonly idle_timeout: number
  /** Seconds; 0: without end. */
  readonly cluster_max_lifetime: number
  /** Seconds; 0: never. */
  readonly client_timeout: number
  /** Seconds. */
  readonly end_warning: number
  /** Bytes. */
  readonly cluster_max_memory: number | null
  readonly cluster_max_cores: number | null
  readonly cluster_max_workers: number | null
  /** Seconds; null: the backend's. */
  readonly cluster_start_timeout: number | null
  /** Seconds; null: the backend's. */
  readonly worker_start_timeout: number | null
  readonly worker_start_failure_limit: number | null
  readonly [setting: string]: Json | undefined
}

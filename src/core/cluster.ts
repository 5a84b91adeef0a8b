import type { ClusterSettings } from './cluster-settings.ts'
import type { Json } from './json.ts'

/**
 * Where a cluster or a worker is. `created` is recorded only; `submitted` is accepted by the backend;
 * `running` has been heard of by a heartbeat; `closing` is on its way out; the last two are final.
 */
export type Status = 'created' | 'submitted' | 'running' | 'closing' | 'stopped' | 'failed'

/** Where it should be. API calls and heartbeats write targets only; the reconciler does the rest. */
export type Target = 'running' | 'stopped' | 'failed'

/**
 * One try to start one scheduler or worker. Written to the store before anything is asked outside,
 * and named in everything outside (job name, working directory, process marker), so that after a
 * crash the outside can be asked what became of it.
 */
export interface Attempt {
  /** 16 hexadecimal digits, random. Not a secret. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** The backend's own name for what it started (pid and start time, job id); null: outcome unknown. */
  readonly handle: Json | null
  /** When the backend said that it runs (a queue may keep it waiting); null: not yet, or it cannot tell. */
  readonly runningSince: number | null
  /** Of a scheduler: when it was gone, written down before what tells of it is removed. */
  readonly endedAt?: number
}

/** The three addresses that a scheduler reports, checked before they are kept. */
export interface SchedulerAddresses {
  /** `tls://host:port`, for workers and for clients through the proxy. */
  readonly scheduler: string
  /** `http://host:port`, or null when the scheduler has no dashboard. */
  readonly dashboard: string | null
  /** `http://host:port`, where the scheduler takes scale and adapt. */
  readonly api: string
}

/** Between how many workers a scheduler chooses by its load; null: no bound. */
export interface AdaptiveBounds {
  readonly minimum: number | null
  readonly maximum: number | null
}

/** A cluster as it is recorded. A value: changes make a new one (`{...cluster, target: 'stopped'}`). */
export interface Cluster {
  /** 32 lower-case hexadecimal digits: a DNS label (SNI) and a path segment. */
  readonly name: string
  readonly username: string
  /** The groups of its owner when it was created: quotas and usage count it for these. */
  readonly groups: readonly string[]
  /** All declared options, defaults filled in, as the user chose them. */
  readonly options: { readonly [field: string]: Json }
  /** The settings it is started with, resolved at creation. */
  readonly settings: ClusterSettings
  readonly status: Status
  readonly target: Target
  /** Its place among those that wait for room in a quota, from which nothing is started yet; null: it waits for none. */
  readonly queued: number | null
  /** Workers wanted, as the scheduler last asked, cut to the cluster's limit. */
  readonly count: number
  /** What its scheduler was told last of adaptive scaling; null: not to adapt. */
  readonly adaptive: AdaptiveBounds | null
  /** The scheduler's current attempt; null: none yet. */
  readonly attempt: Attempt | null
  /** Secret. The token of the current attempt: proves a heartbeat to be that scheduler's. */
  readonly token: string
  /** PEM. One self-signed pair is the cluster's only authority, for scheduler, workers and client. */
  readonly tlsCert: string
  /** Secret. PEM. */
  readonly tlsKey: string
  /** Secret. Opens the dashboard without a login where `Proxy.dashboard_auth` is "link". */
  readonly dashboardKey: string
  readonly addresses: SchedulerAddresses | null
  /** Milliseconds since the epoch. */
  readonly startTime: number
  /** When its scheduler was first heard, from which its lifetime counts; null: not yet. */
  readonly readyTime: number | null
  /** How old it will be, in milliseconds, when its lifetime ends, once its owner has been warned; null: not yet. */
  readonly endAge: number | null
  readonly stopTime: number | null
  /** Why it failed or was stopped, in words for its owner; null while nothing is wrong. */
  readonly reason: string | null
  /** Workers in a row that failed to start. */
  readonly workerStartFailures: number
}

export interface Worker {
  /** 32 lower-case hexadecimal digits; heartbeats use it. */
  readonly name: string
  readonly clusterName: string
  readonly status: Status
  readonly target: Target
  readonly attempt: Attempt | null
  /** The scheduler said that it retires this worker, so that its end is no failure. */
  readonly endExpected: boolean
  readonly startTime: number
  readonly stopTime: number | null
  readonly reason: string | null
}

/** What happened to a cluster, when and why; kept with it and shown to its owner. */
export interface ClusterEvent {
  /** Grows by one in the order of happening, over all clusters of an instance. */
  readonly id: number
  readonly clusterName: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** A stable word for programs, such as `cluster-failed` or `worker-started`. */
  readonly kind: string
  /** A sentence for people. */
  readonly message: string
  /** The worker it is about, if any. */
  readonly worker: string | null
  /** More for programs and for the page (the log's last lines, an exit code). */
  readonly details: { readonly [key: string]: Json }
}

/** Whether the state is final: nothing runs and nothing more happens. */
export function isFinal(status: Status): boolean {
  return status === 'stopped' || status === 'failed'
}

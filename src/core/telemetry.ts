import type { Change } from './store.ts'

/** Told of what happens inside, by those who measure it. Every method returns at once and throws nothing. */
export interface Telemetry {
  /** A write of records, with all that it says of clusters. */
  committed(changes: readonly Change[], seconds: number): void
  commitFailed(): void
  /** A call of the backend that asked for something outside. */
  backendCalled(call: BackendCall, failed: boolean, seconds: number): void
  /** A step of the reconciler; one that failed is tried again. */
  stepped(step: string, failed: boolean, seconds: number): void
  /** How long a cluster that was to be looked at waited for it. */
  waited(seconds: number): void
}

export const backendCalls = [
  'startScheduler',
  'startWorkers',
  'observe',
  'find',
  'stopObjects',
  'cleanUp',
] as const
export type BackendCall = (typeof backendCalls)[number]

/** How far behind the reconciler is. */
export interface Backlog {
  /** Clusters that wait to be looked at, and those that are. */
  readonly waiting: number
  readonly active: number
  /** Of those that wait, how long the oldest has. */
  readonly oldestSeconds: number
  /** Clusters whose last step failed and is to be repeated. */
  readonly retrying: number
}

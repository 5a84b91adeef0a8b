import type { Cluster } from './cluster.ts'
import type { Json } from './json.ts'

/** One started (or perhaps started) scheduler or worker, as the records know it. */
export interface ObjectRef {
  readonly clusterName: string
  readonly username: string
  /** null: the cluster's scheduler. */
  readonly workerName: string | null
  readonly attemptId: string
  /** When the attempt was recorded, milliseconds since the epoch. */
  readonly createdAt: number
  /** What the backend returned when it accepted the attempt; null: the outcome is unknown. */
  readonly handle: Json | null
}

/** A worker to start. */
export interface WorkerStart {
  readonly workerName: string
  readonly attemptId: string
}

/**
 * What became of a start that was asked for. `refused` is final: nothing runs and nothing will
 * (no such account, a queue's refusal). When the outcome is not known, the backend throws instead,
 * and is later asked by `find`.
 */
export type StartOutcome =
  | { readonly outcome: 'started'; readonly handle: Json; readonly notes?: readonly string[] }
  | { readonly outcome: 'refused'; readonly reason: string }

/** `later`: nothing runs, as a limit leaves no room now; a new attempt may be made of it. */
export type WorkerOutcome = StartOutcome | { readonly outcome: 'later'; readonly reason: string }

/** What the backend sees of one object now. An answer that does not tell is `unknown`, never `gone`. */
export type Observation =
  | {
      readonly state: 'pending'
      readonly reason: string | null
      /** The system says that it can never run as it was asked for. */
      readonly never?: boolean
    }
  | {
      readonly state: 'running'
      /** Milliseconds since the epoch; null: the backend cannot tell. */
      readonly since: number | null
      /** Addresses of the node it runs on; scheduler addresses may name them. Empty: not known. */
      readonly nodeAddresses: readonly string[]
      /** What its owner should know of how it runs. */
      readonly note?: string
    }
  | {
      readonly state: 'gone'
      /** In words for the user: "exited with status 1", "killed for memory". */
      readonly reason: string
      readonly exitCode: number | null
      /** When it began to run, milliseconds since the epoch; null or absent: it did not, or the backend cannot tell. */
      readonly since?: number | null
      /** When it ended; null or absent: the backend cannot tell. */
      readonly at?: number | null
      /** It was the system's doing (preemption, a lost node, the end of its time), no fault of what ran. */
      readonly interrupted?: boolean
    }
  | { readonly state: 'unknown'; readonly reason: string }

/** Part of a log: its bytes from the position `from` on. */
export interface LogPiece {
  readonly from: number
  readonly bytes: Buffer
}

/**
 * Calls from what a backend has started for a cluster, where it has something run there besides the cluster's own processes. The caller is as
 * hostile as the cluster: its token is checked before anything of its message is read.
 */
export interface CallHome {
  /** Whether the token is that of what the cluster's current attempt started. */
  knows(cluster: Cluster, token: string): boolean
  /**
   * The answer, which may take up to half a minute, or until `signal` aborts. Throws `invalid` for a message that cannot be understood,
   * `unavailable` when there is no answer now.
   */
  answer(cluster: Cluster, message: unknown, signal: AbortSignal): Promise<Json>
}

/** What `find` knows of an attempt whose outcome was not known. */
export type Found =
  | { readonly state: 'found'; readonly handle: Json }
  | { readonly state: 'absent' }

/**
 * A system that runs schedulers and workers. The reconciler in `clusters/` is its only caller.
 *
 * Life: created from settings without effects; `start` once; any of the others, many at a time;
 * `stop` once (which leaves what it started running: a gateway may go while clusters stay).
 * Every method may be killed between any two of its lines and be called again: each is idempotent
 * for one attempt id. Every wait has a limit and ends when `signal` does. A method that throws says
 * "I do not know", and the reconciler asks again with backoff; no method retries by itself.
 */
export interface Backend {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** The cluster's `attempt` has been recorded with a null handle; `token` is that attempt's. */
  startScheduler(cluster: Cluster, signal: AbortSignal): Promise<StartOutcome>
  /** Bulk: one call outside where the system allows. By attempt id; one that is missing in the answer is of unknown outcome. */
  startWorkers(
    cluster: Cluster,
    workers: readonly WorkerStart[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, WorkerOutcome>>
  /** What is seen of each, by attempt id; all users and clusters in one call. Missing: unknown. */
  observe(
    refs: readonly ObjectRef[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Observation>>
  /** What became of attempts without a handle, by attempt id. Missing: unknown. */
  find(refs: readonly ObjectRef[], signal: AbortSignal): Promise<ReadonlyMap<string, Found>>
  /**
   * Asks for the end of these objects and returns without waiting for it: `observe` tells when they are
   * gone. Asked again for the same object, it goes on with what it began.
   */
  stopObjects(cluster: Cluster, refs: readonly ObjectRef[], signal: AbortSignal): Promise<void>
  /** The last `maxBytes` of an object's log; null: there is none. The text is the user's, hence hostile. */
  logs(
    cluster: Cluster,
    ref: ObjectRef,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Buffer | null>
  /**
   * For those who follow a log: at most `maxBytes` of it from its byte `from` on; null: its last `maxBytes`. The answer begins
   * elsewhere when the log was shortened, or when what lies between cannot be had. A backend that cannot tell positions leaves this out, and is followed by `logs` for some MiB.
   */
  logPiece?(
    cluster: Cluster,
    ref: ObjectRef,
    from: number | null,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<LogPiece | null>
  /** The last `maxBytes` of the logs of many objects of a cluster, by attempt id, for a backend to which reading one is a call outside. */
  lastPieces?(
    cluster: Cluster,
    refs: readonly ObjectRef[],
    maxBytes: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly [attemptId: string, end: LogPiece]>
  /** How what it started calls the gateway; absent: nothing does. */
  readonly callHome?: CallHome
  /**
   * Removes what the cluster left outside (files, secrets). Called when all its objects are gone. Returns what its owner should know of
   * what can never be removed.
   */
  cleanUp(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]>
  /**
   * Stops what carries this instance's id, is no current attempt, was seen so by the last sweep too, and is
   * older than `minAgeMs`. Never touches what another instance or another program started.
   * Returns what it stopped, in words.
   */
  sweep(
    isCurrent: (attemptId: string) => boolean,
    minAgeMs: number,
    signal: AbortSignal,
  ): Promise<readonly string[]>
}

/** What a backend is given besides its settings. */
export interface BackendContext {
  /** The store's own random id, 32 hexadecimal digits: part of every name outside. */
  readonly instanceId: string
  /** A directory of ours (0700) that outlives the process; a backend makes its own below it. */
  readonly stateDirectory: string
  /** `DASK_GATEWAY_API_URL` for what it starts: no trailing slash, without `/v1`. */
  readonly apiUrl: string
  /** To be called when something may have changed (a child ended), so that it is observed soon. */
  readonly wake: () => void
  readonly logger: Logger
}

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same logger with fields that every line carries. */
  with(fields: LogFields): Logger
}

/** Never a secret. `error` prints its stack. */
export type LogFields = { readonly [key: string]: unknown }

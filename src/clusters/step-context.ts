import type { Attempt, Backend, Cluster, LogArchive, Logger, RouteTable } from '../core/index.ts'
import { randomHex, steadyNow } from '../util/index.ts'
import type { Quotas } from './quotas.ts'
import type { Records } from './records.ts'
import type { Limits } from './situation.ts'

/** What a step is carried out with. */
export interface StepContext {
  readonly records: Records
  readonly quotas: Quotas
  readonly backend: Backend
  readonly routes: RouteTable
  readonly logArchive: LogArchive
  readonly logger: Logger
  readonly limitsOf: (cluster: Cluster) => Limits
  /** The limit of one call of the backend, and the end of the reconciler. */
  readonly signal: () => AbortSignal
}

export function newAttempt(): Attempt {
  return { id: randomHex(8), createdAt: steadyNow(), handle: null, runningSince: null }
}

import {
  type Cluster,
  type ClusterOptions,
  checkOptions,
  type Drain,
  type DrainStore,
  GatewayError,
  type Json,
  type Logger,
  type OptionField,
  type ResolveClusterSettings,
  type User,
} from '../core/index.ts'
import { createKeyPair, randomHex } from '../util/index.ts'
import { checkSchedulerFits } from './limits.ts'
import type { Quotas } from './quotas.ts'
import type { Records } from './records.ts'

export interface CreateClusterParts {
  readonly records: Records
  readonly quotas: Quotas
  readonly drain: Pick<DrainStore, 'drain'>
  readonly options: ClusterOptions
  readonly resolveSettings: ResolveClusterSettings
  readonly wake: (name: string) => void
  readonly logger: Logger
}

/** Records a new cluster and wakes the reconciler. Throws 'conflict' while none are taken, and where quotas have no room for it. */
export async function createCluster(
  parts: CreateClusterParts,
  user: User,
  asked: unknown,
): Promise<Cluster> {
  refuseWhileDraining(parts.drain.drain)
  const fields: readonly OptionField[] = await parts.options.fieldsFor(user)
  const options = checkOptions(fields, asked ?? {})
  const overrides: { readonly [key: string]: Json } = await parts.options.settingsFor(user, options)
  const { settings, warnings } = parts.resolveSettings(overrides)
  checkSchedulerFits(settings)
  const name = randomHex(16)
  const { certPem, keyPem } = await createKeyPair([name, 'dask-internal'])
  const owner = { username: user.name, groups: user.groups }
  // From here to `records.create` nothing is waited for, so that nobody else can take the same room.
  const queued = parts.quotas.admit(owner, settings)
  const cluster: Cluster = {
    name,
    ...owner,
    options,
    settings,
    status: 'created',
    target: 'running',
    queued,
    count: 0,
    attempt: null,
    token: randomHex(16),
    tlsCert: certPem,
    tlsKey: keyPem,
    dashboardKey: randomHex(16),
    addresses: null,
    startTime: Date.now(),
    readyTime: null,
    endAge: null,
    adaptive: null,
    stopTime: null,
    reason: null,
    workerStartFailures: 0,
  }
  await parts.records.create(cluster, {
    kind: 'cluster-created',
    message: `Created by ${user.name}`,
  })
  if (warnings.length > 0)
    await parts.records.change(name, () => ({
      events: warnings.map((message) => ({ kind: 'warning', message })),
    }))
  for (const warning of warnings) parts.logger.warn(warning, { cluster: name, user: user.name })
  parts.wake(name)
  return cluster
}

/** 409, so that the Python client shows the sentence. */
function refuseWhileDraining(drain: Drain | null): void {
  if (drain === null) return
  const why = drain.message === '' ? '' : `: ${drain.message}`
  throw new GatewayError(
    'conflict',
    `No new clusters are taken at the moment${why}. Those that exist go on.`,
  )
}

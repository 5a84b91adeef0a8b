import type { BlockList } from 'node:net'
import { GatewayError, messageOf, type SchedulerAddresses } from '../core/index.ts'
import { sameSecret } from '../util/index.ts'
import type { Heartbeat } from './cluster-service.ts'
import { applyHeartbeat, leftUnexpectedly } from './heartbeat.ts'
import type { Entry, Records } from './records.ts'
import { checkSchedulerAddress } from './scheduler-address.ts'

export interface HeartbeatParts {
  readonly records: Records
  /** `Backend.scheduler_networks`. */
  readonly networks: BlockList
  readonly ownPorts: () => readonly number[]
  /** Wakes the reconciler. */
  readonly wake: (name: string) => void
}

/** Takes in what a scheduler reports: who it is, its addresses, then what that changes. */
export async function takeHeartbeat(
  parts: HeartbeatParts,
  name: string,
  token: string,
  heartbeat: Heartbeat,
  source: string,
): Promise<void> {
  const entry = entryOfToken(parts, name, token)
  if (entry === null)
    throw new GatewayError('unauthenticated', 'The token is not that of this cluster')
  if (entry.cluster.target !== 'running' || entry.cluster.attempt === null) return
  const addresses = await checkedAddresses(parts, entry, heartbeat, source)
  entry.facts = { ...entry.facts, heardAt: performance.now() }
  const attemptId = entry.cluster.attempt.id
  let changed = false
  await parts.records.change(name, ({ cluster, workers }) => {
    if (cluster.target !== 'running' || cluster.attempt?.id !== attemptId) return null
    const change = applyHeartbeat(cluster, workers.values(), heartbeat, addresses, Date.now())
    changed = change !== null
    if (
      change?.cluster !== undefined &&
      change.cluster.addresses !== cluster.addresses &&
      cluster.addresses !== null
    )
      entry.facts = { ...entry.facts, published: false }
    for (const { attempt, reason } of change?.workers ?? [])
      if (attempt !== null && reason === leftUnexpectedly)
        parts.records.learn(entry, attempt.id, { leftAt: performance.now() })
    return change
  })
  if (changed) parts.wake(name)
}

async function checkedAddresses(
  { records, networks, ownPorts }: HeartbeatParts,
  entry: Entry,
  heartbeat: Heartbeat,
  source: string,
): Promise<SchedulerAddresses> {
  const { cluster, facts } = entry
  const seen = cluster.attempt === null ? undefined : facts.attempts.get(cluster.attempt.id)
  const nodeAddresses = seen?.observation?.state === 'running' ? seen.observation.nodeAddresses : []
  const rules = { source, nodeAddresses, networks, ownPorts: ownPorts() }
  try {
    const scheduler = checkSchedulerAddress('scheduler', heartbeat.schedulerAddress, 'tls', rules)
    const api = checkSchedulerAddress('API', heartbeat.apiAddress, 'http', rules)
    const dashboard =
      heartbeat.dashboardAddress === ''
        ? null
        : checkSchedulerAddress('dashboard', heartbeat.dashboardAddress, 'http', rules)
    return { scheduler, dashboard, api }
  } catch (error) {
    const message = messageOf(error)
    await records.tell(cluster.name, 'address', { kind: 'address-refused', message })
    throw error
  }
}

/** The cluster whose token this is; null: none. */
export function entryOfToken(
  { records }: Pick<HeartbeatParts, 'records'>,
  name: string,
  token: string,
): Entry | null {
  const entry = records.get(name)
  return entry !== undefined && sameSecret(entry.cluster.token, token) ? entry : null
}

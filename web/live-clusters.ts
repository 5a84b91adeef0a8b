import type { ClusterInfo, GatewayClient } from '../client/src/index.ts'
import { keepFollowing } from './connection.ts'
import { isOver, statusWords } from './words.ts'

/** One's own clusters as they are now: all that live, and those of the ended that were asked for. */
export interface LiveClusters {
  /** The newest first; null: not known yet. */
  living(): readonly ClusterInfo[] | null
  ended(): readonly ClusterInfo[]
  /** How many ended ones there are, shown or not. */
  endedInAll(): number
  moreEnded(): Promise<void>
  /** null: not known here. */
  get(name: string): ClusterInfo | null
  /** Calls `listener` after each change. */
  onChange(listener: () => void, signal: AbortSignal): void
}

const endedAtOnce = 10
const ends = ['STOPPED', 'FAILED'] as const

/** `announce`: says what happened to those who do not see it. */
export function followClusters(
  client: GatewayClient,
  announce: (text: string) => void,
): LiveClusters {
  const clusters = new Map<string, ClusterInfo>()
  const changes = new EventTarget()
  let hasBegun = false
  let endedTotal = 0
  let cursor: string | null = null
  const told = () => changes.dispatchEvent(new Event('change'))

  async function readEnded(from: string | null): Promise<void> {
    const page = await client.clusters({ status: ends, limit: endedAtOnce, cursor: from })
    for (const each of page.clusters) clusters.set(each.name, each)
    endedTotal = page.total
    cursor = page.cursor
    told()
  }

  function take(cluster: ClusterInfo): void {
    const before = clusters.get(cluster.name)
    clusters.set(cluster.name, cluster)
    if (isOver(cluster) && before !== undefined && !isOver(before)) endedTotal += 1
    if (before === undefined || before.status === cluster.status) return
    const why = cluster.reason === null ? '' : `: ${cluster.reason}`
    announce(`Cluster ${cluster.name.slice(0, 8)} is ${statusWords[cluster.status]}${why}`)
  }

  void keepFollowing(new AbortController().signal, async (following) => {
    for await (const change of client.watch(following)) {
      if (change.type === 'snapshot') {
        const names = new Set(change.clusters.map(({ name }) => name))
        // What it leaves out has ended meanwhile, or is forgotten.
        const isWhole = [...clusters.values()].every((each) => isOver(each) || names.has(each.name))
        if (!isWhole || !hasBegun) clusters.clear()
        for (const each of change.clusters) take(each)
        if (!isWhole || !hasBegun) await readEnded(null)
        hasBegun = true
      } else if (change.type === 'cluster') take(change.cluster)
      else if (clusters.delete(change.name)) endedTotal = Math.max(0, endedTotal - 1)
      told()
    }
  })

  const sorted = (keep: (cluster: ClusterInfo) => boolean) =>
    [...clusters.values()].filter(keep).sort((a, b) => b.start_time - a.start_time)
  return {
    living: () => (hasBegun ? sorted((each) => !isOver(each)) : null),
    ended: () => sorted(isOver),
    endedInAll: () => endedTotal,
    moreEnded: () => readEnded(cursor),
    get: (name) => clusters.get(name) ?? null,
    onChange: (listener, signal) => changes.addEventListener('change', listener, { signal }),
  }
}

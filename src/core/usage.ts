import { compareTexts } from '../util/index.ts'

/** What ran, in thousandths of a second: its time, and its time by its cores and its memory. */
export interface UsageAmounts {
  /** Of schedulers: a cluster is there while its scheduler runs. */
  readonly clusterMs: number
  readonly workerMs: number
  /** Of schedulers and workers, as the cluster's settings give them. */
  readonly coreMs: number
  readonly memoryByteMs: number
}

/** Whose it was, and for what. */
export interface UsageOwner {
  readonly username: string
  /** Of the user when the cluster was created; it counts for each of them. */
  readonly groups: readonly string[]
  /** `ClusterConfig.labels`. */
  readonly labels: { readonly [name: string]: string }
}

/** What ran for somebody on one day. */
export interface DayUsage extends UsageOwner, UsageAmounts {
  /** Of UTC, `YYYY-MM-DD`. */
  readonly day: string
}

/** Which usage is asked for. */
export interface UsageQuery {
  /** The first day. */
  readonly from: string
  /** The last day. */
  readonly to: string
  /** Whose; null: everybody's. */
  readonly username: string | null
  readonly by: ReadonlySet<UsageKey>
}

/** What sums are made for. */
export const usageKeys = ['day', 'month', 'user', 'group', 'label'] as const
export type UsageKey = (typeof usageKeys)[number]

/** A sum. What was not asked for is null; so is group or label in the sum of those that have none. */
export interface UsageSum extends UsageAmounts {
  readonly day: string | null
  /** `YYYY-MM`. */
  readonly month: string | null
  readonly user: string | null
  readonly group: string | null
  /** `NAME=VALUE`. */
  readonly label: string | null
}

/** What was used by clusters, also by those that are forgotten. Added to by `commit`, with what ends. */
export interface UsageStore {
  /** In no order. Days that the query has no key for may be summed up: they are those of its beginning then. */
  usage(query: UsageQuery): Promise<readonly DayUsage[]>
  /** Forgets all before this day. */
  removeUsage(before: string): Promise<void>
}

export const noUsage: UsageAmounts = { clusterMs: 0, workerMs: 0, coreMs: 0, memoryByteMs: 0 }

export function addUsage(a: UsageAmounts, b: UsageAmounts): UsageAmounts {
  return {
    clusterMs: a.clusterMs + b.clusterMs,
    workerMs: a.workerMs + b.workerMs,
    coreMs: a.coreMs + b.coreMs,
    memoryByteMs: a.memoryByteMs + b.memoryByteMs,
  }
}

/**
 * The sums that a query asks for, in their order. What belongs to several groups or labels is in the sum of each, so that sums by them may
 * be more than all together.
 */
export function sumUsage(days: Iterable<DayUsage>, { by }: UsageQuery): readonly UsageSum[] {
  const sums = new Map<string, UsageSum>()
  for (const each of days) {
    const groups = by.has('group') ? orNone(each.groups) : [null]
    const labels = by.has('label') ? orNone(labelTexts(each.labels)) : [null]
    for (const group of groups)
      for (const label of labels) {
        const key = {
          day: by.has('day') ? each.day : null,
          month: by.has('month') ? each.day.slice(0, 7) : null,
          user: by.has('user') ? each.username : null,
          group,
          label,
        }
        const text = JSON.stringify(Object.values(key))
        sums.set(text, { ...key, ...addUsage(sums.get(text) ?? noUsage, each) })
      }
  }
  return [...sums].toSorted(([a], [b]) => compareTexts(a, b)).map(([, sum]) => sum)
}

function orNone(texts: readonly string[]): readonly (string | null)[] {
  return texts.length === 0 ? [null] : texts
}

function labelTexts(labels: UsageOwner['labels']): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`)
}

const dayMs = 86_400_000

/** The day of UTC in which a moment lies. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** The parts of a stretch of time that lie in each day, in milliseconds. */
export function splitByDay(start: number, end: number): ReadonlyMap<string, number> {
  const parts = new Map<string, number>()
  for (let at = start; at < end; ) {
    const next = Math.min(end, (Math.floor(at / dayMs) + 1) * dayMs)
    parts.set(dayOf(at), next - at)
    at = next
  }
  return parts
}

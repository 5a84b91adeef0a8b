import { type AdaptiveBounds, type ClusterSettings, GatewayError } from '../core/index.ts'

/** The most workers a cluster may have: the smallest of its limits; Infinity without any (wire-protocol.md, 4.5). */
export function workerLimit(settings: ClusterSettings): number {
  const { cluster_max_workers, cluster_max_memory, cluster_max_cores } = settings
  const limits = [
    cluster_max_workers,
    share(cluster_max_memory, settings.scheduler_memory, settings.worker_memory),
    share(cluster_max_cores, settings.scheduler_cores, settings.worker_cores),
  ]
  return Math.max(0, Math.min(...limits.map((limit) => limit ?? Number.POSITIVE_INFINITY)))
}

function share(whole: number | null, scheduler: number, worker: number): number | null {
  if (whole === null || worker === 0) return null
  return Math.floor((whole - scheduler) / worker)
}

/** Refuses a cluster whose scheduler alone exceeds its limits. */
export function checkSchedulerFits(settings: ClusterSettings): void {
  const { cluster_max_memory, cluster_max_cores, scheduler_memory, scheduler_cores } = settings
  if (cluster_max_memory !== null && scheduler_memory > cluster_max_memory)
    throw new GatewayError(
      'invalid',
      `Scheduler memory request of ${formatBytes(scheduler_memory)} exceeds cluster memory limit of ${formatBytes(cluster_max_memory)}`,
    )
  if (cluster_max_cores !== null && scheduler_cores > cluster_max_cores)
    throw new GatewayError(
      'invalid',
      `Scheduler cores request of ${scheduler_cores} exceeds cluster cores limit of ${pythonFloat(cluster_max_cores)}`,
    )
}

/** So many workers at most, and what says so: "resource limit of 4 workers". */
export interface WorkerLimit {
  readonly workers: number
  readonly words: string
}

/** The smaller of a cluster's own limit and of what quotas leave to it. */
export function smallerLimit(settings: ClusterSettings, ofQuota: WorkerLimit): WorkerLimit {
  const workers = workerLimit(settings)
  return workers <= ofQuota.workers
    ? { workers, words: `resource limit of ${workers} workers` }
    : ofQuota
}

/** The count that is allowed, with the warning for the user when it is less than asked for. */
export function limitScale(
  limit: WorkerLimit,
  count: number,
): { readonly count: number; readonly message: string | null } {
  const { workers, words } = limit
  if (count <= workers) return { count, message: null }
  return {
    count: workers,
    message: `Scale request of ${count} workers would exceed ${words}. Scaling to ${workers} instead.`,
  }
}

/** As `limitScale`, for adaptive scaling. */
export function limitAdapt(
  { workers: limit, words }: WorkerLimit,
  { minimum, maximum }: AdaptiveBounds,
): { readonly bounds: AdaptiveBounds; readonly message: string | null } {
  if (limit === Number.POSITIVE_INFINITY) return { bounds: { minimum, maximum }, message: null }
  const asked = { minimum: minimum ?? 0, maximum: maximum ?? limit }
  if (asked.minimum <= limit && asked.maximum <= limit) return { bounds: asked, message: null }
  const bounds = {
    minimum: Math.min(asked.minimum, limit),
    maximum: Math.min(asked.maximum, limit),
  }
  return {
    bounds,
    message:
      `Adapt with \`maximum=${asked.maximum}, minimum=${asked.minimum}\` workers would exceed ${words}. ` +
      `Using \`maximum=${bounds.maximum}, minimum=${bounds.minimum}\` instead.`,
  }
}

/** As the old server writes them: "2.00 GiB", but "1024.00 MiB" for exactly one GiB. */
function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const power = units.findLastIndex((_, index) => bytes > 1024 ** (index + 1)) + 1
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(2)} ${units[power - 1]}`
}

function pythonFloat(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

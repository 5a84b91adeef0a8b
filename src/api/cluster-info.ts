import { type ClusterDetails, workerLimit } from '../clusters/index.ts'
import type { Cluster } from '../core/index.ts'

/** A cluster as the new routes show it: never with a key. */
export function clusterInfo(
  { cluster, shown, pendingReason, clients, end, workers, cores, memoryBytes }: ClusterDetails,
  dashboardRoute: (cluster: Cluster) => string,
) {
  const { settings, addresses } = cluster
  const hasDashboard = shown === 'RUNNING' && addresses !== null && addresses.dashboard !== null
  const most = workerLimit(settings)
  return {
    name: cluster.name,
    username: cluster.username,
    status: shown,
    pending_reason: pendingReason,
    reason: cluster.reason,
    start_time: cluster.startTime,
    stop_time: cluster.stopTime,
    // To the second, so that what stays the same is told the same.
    ends_at: end === null ? null : Math.round((Date.now() + end.inMs) / 1000) * 1000,
    end_reason: end === null ? null : end.reason,
    clients,
    options: cluster.options,
    workers: { wanted: cluster.count, ...workers },
    adaptive: cluster.adaptive,
    cores,
    memory: memoryBytes,
    worker_cores: settings.worker_cores,
    worker_memory: settings.worker_memory,
    max_workers: Number.isFinite(most) ? most : null,
    dashboard_route: hasDashboard ? dashboardRoute(cluster) : null,
  }
}

/** An administrator's way to somebody's dashboard. */
export function adminDashboardRoute(cluster: Cluster): string {
  return `/clusters/${cluster.name}/status?as=admin`
}

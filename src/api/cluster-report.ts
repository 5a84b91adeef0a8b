import type { ClusterView } from '../clusters/index.ts'
import type { Cluster } from '../core/index.ts'

/** The path of a cluster's dashboard below the prefix; with "link" it holds the cluster's key. */
export type DashboardRoute = (cluster: Cluster) => string

export function plainDashboardRoute(cluster: Cluster): string {
  return `/clusters/${cluster.name}/status`
}

/**
 * A cluster as wire-protocol.md, section 4.3, has it: exactly these members, since the client passes each on as a
 * keyword argument. Keys only to who asks for this one cluster, and only while it runs.
 */
export function clusterReport(
  { cluster, shown }: ClusterView,
  dashboardRoute: DashboardRoute,
  keys: 'with keys' | 'without keys',
) {
  const running = shown === 'RUNNING'
  const showKeys = running && keys === 'with keys'
  return {
    name: cluster.name,
    dashboard_route:
      running && cluster.addresses !== null && cluster.addresses.dashboard !== null
        ? dashboardRoute(cluster)
        : null,
    status: shown,
    start_time: cluster.startTime,
    stop_time: cluster.stopTime,
    options: cluster.options,
    tls_cert: showKeys ? cluster.tlsCert : null,
    tls_key: showKeys ? cluster.tlsKey : null,
  }
}

/**
 * Writes lists of reports. A recorded cluster is a value that never changes, so its text is kept with it: a list of a
 * thousand is then a thousand look-ups instead of a thousand `JSON.stringify`.
 */
export function createReportWriter(dashboardRoute: DashboardRoute) {
  const texts = new WeakMap<Cluster, { readonly shown: string; readonly text: string }>()

  function entry(view: ClusterView): string {
    const known = texts.get(view.cluster)
    if (known?.shown === view.shown) return known.text
    const report = clusterReport(view, dashboardRoute, 'without keys')
    const text = `${JSON.stringify(view.cluster.name)}:${JSON.stringify(report)}`
    texts.set(view.cluster, { shown: view.shown, text })
    return text
  }

  return {
    list: (views: readonly ClusterView[]): string => `{${views.map(entry).join(',')}}`,
    one: (view: ClusterView): string =>
      JSON.stringify(clusterReport(view, dashboardRoute, 'with keys')),
  }
}

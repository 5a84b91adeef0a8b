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
 * Writes lists of reports. A recorded cluster is a value that never changes, so its bytes are kept with it: a list of a
 * thousand is then a thousand copies instead of a thousand `JSON.stringify`.
 */
export function createReportWriter(dashboardRoute: DashboardRoute) {
  const kept = new WeakMap<Cluster, { readonly shown: string; readonly bytes: Buffer }>()

  /** `"NAME":{…},` */
  function entry(view: ClusterView): Buffer {
    const known = kept.get(view.cluster)
    if (known?.shown === view.shown) return known.bytes
    const report = clusterReport(view, dashboardRoute, 'without keys')
    const bytes = Buffer.from(`${JSON.stringify(view.cluster.name)}:${JSON.stringify(report)},`)
    kept.set(view.cluster, { shown: view.shown, bytes })
    return bytes
  }

  return {
    list(views: readonly ClusterView[]): Buffer {
      if (views.length === 0) return Buffer.from('{}')
      const bytes = Buffer.concat([openBrace, ...views.map(entry)])
      // In place of the last comma.
      bytes.write('}', bytes.length - 1)
      return bytes
    },
    one: (view: ClusterView): string =>
      JSON.stringify(clusterReport(view, dashboardRoute, 'with keys')),
  }
}

const openBrace = Buffer.from('{')

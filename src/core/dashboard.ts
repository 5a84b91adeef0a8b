/** What the dashboards part asks of the clusters part, by name. */
export interface DashboardTarget {
  readonly clusterName: string
  readonly username: string
  /** `http://host:port` of the scheduler's dashboard; null: it has none, or the cluster does not run. */
  readonly address: string | null
  /** Secret. The key of the "link" way of getting in. */
  readonly key: string
}

export type FindDashboard = (clusterName: string) => DashboardTarget | null

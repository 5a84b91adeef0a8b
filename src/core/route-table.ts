/** One tunnel: TLS whose SNI is `daskgateway-NAME` goes to this scheduler. */
export interface Route {
  readonly clusterName: string
  /** Host and port of the scheduler (`tls://host:port` of its heartbeat). */
  readonly host: string
  readonly port: number
}

/**
 * The routes of all clusters, as `clusters/` writes them and proxies learn them by a watch. Versions grow by
 * one with every change; a proxy acknowledges the version that all its processes have.
 */
export interface RouteTable {
  /** Sets or replaces a cluster's route; returns the version that has it. */
  put(route: Route): number
  remove(clusterName: string): number
  /**
   * Resolves when every connected proxy has acknowledged `version` (at once without any), or when `limitMs` is over;
   * returns the names of those that have not, empty when all have.
   */
  whenAcknowledged(version: number, limitMs: number): Promise<readonly string[]>
}

/** What a proxy that watches is told. */
export type RouteChange =
  | { readonly version: number; readonly type: 'put'; readonly route: Route }
  | { readonly version: number; readonly type: 'remove'; readonly clusterName: string }

/** The other side of the table: `api/` serves it to proxies over HTTP. */
export interface RouteFeed {
  /** All routes at the moment, with their version. */
  snapshot(): { readonly version: number; readonly routes: readonly Route[] }
  /**
   * Registers a proxy and calls `onChange` for every change after `sinceVersion`. null: that version is too old or from
   * another run, take a snapshot first. `close` unregisters it.
   */
  watch(
    proxyName: string,
    sinceVersion: number,
    onChange: (change: RouteChange) => void,
  ): { readonly acknowledge: (version: number) => void; readonly close: () => void } | null
  /** Proxies connected now, with the version each has. */
  readonly proxies: () => readonly { readonly name: string; readonly version: number }[]
}

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
 *
 * A proxy that takes a snapshot cuts the tunnels of clusters that are not in it: put the routes of all recorded
 * clusters before the first watch is served.
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
  /** Whether clients have tunnels to a cluster, by what the proxies tell. */
  clientsOf(clusterName: string): ClientPresence
}

/** Whether clients are connected to a cluster. */
export type ClientPresence =
  | { readonly state: 'connected'; readonly count: number }
  /** `since`: by the clock of `performance.now()`. */
  | { readonly state: 'none'; readonly since: number }
  /** A proxy is away or has not told: never to be taken for none. */
  | { readonly state: 'unknown' }

/** What a proxy that watches is told. */
export type RouteChange =
  | { readonly version: number; readonly type: 'put'; readonly route: Route }
  | { readonly version: number; readonly type: 'remove'; readonly clusterName: string }

/*
 * The wire between the gateway (`api/` serves it on the private listener) and proxies. Every request carries
 * `Authorization: token PROXY_TOKEN`; without it, or with another, the answer is 401. Bodies are JSON in UTF-8.
 *
 *   GET /api/v1/routes
 *     200 application/json: {"epoch": E, "version": N, "routes": [ROUTE, …]}, for people and other proxies (HAProxy).
 *
 *   GET /api/v1/routes?watch=1&proxy=NAME[&epoch=E&since=N]
 *     200 application/x-ndjson, chunked, never ends by itself: one `RouteLine` a line, each flushed at once (no
 *     compression, TCP_NODELAY). First a snapshot, or, when E is this run's and the changes after N are still kept, those
 *     changes and {"type":"current",…}: now the proxy has all. Then put and remove as they happen; {"type":"ping"} every 5 s.
 *     A proxy that reads nothing for 15 s connects anew. NAME: 1 to 100 of A-Z a-z 0-9 . _ -; a second watch of a name ends the first. Wrong query: 422.
 *     All of it is `RouteFeed.serveWatch`: pass its lines to the response, call `close` when the response closes,
 *     and destroy a response whose `writableLength` passes 16 MiB.
 *
 *   POST /api/v1/routes/ack   {"proxy": NAME, "epoch": E, "version": N}
 *     204: `RouteFeed.acknowledge` took it. 409: no watch of that name and run is open. It comes on a
 *     keep-alive connection of its own, so the answer must not wait for anything.
 *
 *   POST /api/v1/routes/tunnels   {"proxy": NAME, "epoch": E, "open": {CLUSTER: COUNT}}
 *     All open tunnels of this proxy, and 0 for clusters that have had one since the last report. Once the watch is open,
 *     then every 15 s, and within a second when a cluster has got its first tunnel or lost its last. 204 and 409 as above.
 *
 *   POST /api/v1/routes/probe   {"port": N}, and DELETE /api/v1/routes/probe/NAME
 *     For `dask-gateway-server doctor`: 200 {"name": NAME}, and for half a minute a route of that name to that port of the
 *     asker's address.
 *
 * ROUTE: {"clusterName": string, "host": string, "port": number}. Members that a peer does not know are ignored.
 */
export type RouteLine =
  | RouteChange
  | ({ readonly type: 'snapshot' } & RouteSnapshot)
  | { readonly type: 'current'; readonly epoch: string; readonly version: number }
  | { readonly type: 'ping' }

export interface RouteSnapshot {
  /** Random, of this run of the gateway: versions of another run mean nothing. */
  readonly epoch: string
  readonly version: number
  readonly routes: readonly Route[]
}

/** What the query of a watch says. epoch and since are null when the proxy has no routes yet. */
export interface WatchRequest {
  readonly proxyName: string
  readonly epoch: string | null
  readonly since: number | null
}

/** The other side of the table: `api/` serves it to proxies over HTTP, as described above. */
export interface RouteFeed {
  /** All routes at the moment, with their version. */
  snapshot(): RouteSnapshot
  /**
   * A whole watch, apart from the transport: registers the proxy and calls `write` with one line after another (JSON and
   * a line feed), the first before it returns. `close` unregisters it and is called when the response closes; `onReplaced`
   * is called when a newer watch of the same proxy has taken its place, and must end the response.
   */
  serveWatch(
    request: WatchRequest,
    write: (line: string) => void,
    onReplaced: () => void,
  ): { readonly close: () => void }
  /** A proxy says that it has all routes of `version`; false when it has no open watch or means another run. */
  acknowledge(proxyName: string, epoch: string, version: number): boolean
  /** A proxy says which tunnels it has open; answers as `acknowledge`. */
  reportTunnels(proxyName: string, epoch: string, open: ReadonlyMap<string, number>): boolean
  /** Proxies connected now, with the version each has. */
  readonly proxies: () => readonly { readonly name: string; readonly version: number }[]
}

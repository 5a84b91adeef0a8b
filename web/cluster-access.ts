import type { ClusterInfo, Event, LogPiece, LogQuery, Worker } from '../client/src/index.ts'
import type { Following } from './connection.ts'
import type { Page } from './page.ts'

/** One cluster by the routes of its owner, or by those of administrators. */
export interface ClusterAccess {
  readonly name: string
  readonly isMine: boolean
  /** What is known at once. */
  known(): ClusterInfo | null
  get(signal: AbortSignal): Promise<ClusterInfo>
  /** Told of changes, where there is a stream of them. */
  onChange(listener: (cluster: ClusterInfo) => void, signal: AbortSignal): void
  workers(signal: AbortSignal): Promise<readonly Worker[]>
  followEvents(after: number, following: Following): AsyncGenerator<Event>
  followLogs(query: LogQuery, following: Following): AsyncGenerator<LogPiece>
}

export function clusterAccess(
  { client, clusters }: Page,
  name: string,
  isAdmins: boolean,
): ClusterAccess {
  const { admin } = client
  if (isAdmins)
    return {
      name,
      isMine: false,
      known: () => null,
      get: (signal) => admin.cluster(name, { signal }),
      onChange: () => {},
      workers: (signal) => admin.workers(name, { signal }),
      async *followEvents(after, following) {
        // This stream always begins at the first.
        for await (const event of admin.followClusterEvents(name, following))
          if (event.id > after) yield event
      },
      followLogs: (query, following) => admin.followLogs(name, query, following),
    }
  return {
    name,
    isMine: true,
    known: () => clusters.get(name),
    get: (signal) => client.cluster(name, { signal }),
    onChange(listener, signal) {
      clusters.onChange(() => {
        const cluster = clusters.get(name)
        if (cluster !== null) listener(cluster)
      }, signal)
    },
    workers: (signal) => client.workers(name, { signal }),
    followEvents: (after, following) => client.followEvents(name, after, following),
    followLogs: (query, following) => client.followLogs(name, query, following),
  }
}

import type { Connection } from './connection.ts'
import { GatewayError } from './errors.ts'
import { type FollowOptions, follow } from './follow.ts'
import type { ClusterInfo } from './types.ts'

export interface WaitOptions extends FollowOptions {
  /** Told each time that something changed, with what it waits for in `pending_reason`. */
  readonly onChange?: ((cluster: ClusterInfo) => void) | undefined
}

/** Resolves with the cluster when `isDone` says so. Throws 'not-found' when the gateway forgets it. */
export async function waitForCluster(
  connection: Connection,
  name: string,
  isDone: (cluster: ClusterInfo) => boolean,
  options: WaitOptions = {},
): Promise<ClusterInfo> {
  const { onChange, ...followOptions } = options
  const look = () =>
    connection.json<ClusterInfo>(`/api/v1/user/clusters/${encodeURIComponent(name)}`, {
      signal: options.signal,
    })
  const see = (cluster: ClusterInfo) => {
    onChange?.(cluster)
    return isDone(cluster)
  }
  const now = await look()
  if (see(now)) return now
  for await (const { event, data } of follow(
    connection,
    '/api/v1/user/stream',
    {},
    followOptions,
  )) {
    // What a snapshot leaves out has ended, or was forgotten.
    const cluster = event === 'snapshot' ? await look() : (data as ClusterInfo)
    if (cluster.name !== name) continue
    if (event === 'removed') throw new GatewayError('not-found', `Cluster ${name} not found`)
    if (see(cluster)) return cluster
  }
  throw new GatewayError('unexpected', 'The stream of clusters ended')
}

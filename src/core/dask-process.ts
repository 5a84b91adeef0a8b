import type { Cluster } from './cluster.ts'

/**
 * The arguments that follow `scheduler_cmd` (wire-protocol.md, section 6). `host` is where it listens:
 * 127.0.0.1 on one machine, 0.0.0.0 elsewhere. The `--dg-*` options belong to the client package's preload module.
 */
export function schedulerArguments(
  cluster: Cluster,
  host: string,
  heartbeatPeriodSeconds: number,
): string[] {
  const { adaptive_period, idle_timeout } = cluster.settings
  return [
    ...['--protocol', 'tls', '--port', '0', '--host', host, '--dashboard-address', `${host}:0`],
    ...['--preload', 'dask_gateway.scheduler_preload', '--dg-api-address', `${host}:0`],
    ...['--dg-heartbeat-period', String(heartbeatPeriodSeconds)],
    ...['--dg-adaptive-period', String(adaptive_period), '--dg-idle-timeout', String(idle_timeout)],
  ]
}

/** The arguments that follow `worker_cmd`. `--name` must be the gateway's name: heartbeats use it. */
export function workerArguments(cluster: Cluster, workerName: string, host: string): string[] {
  if (cluster.addresses === null)
    throw new Error(`cluster ${cluster.name} has no scheduler address`)
  const { worker_threads, worker_cores, worker_memory } = cluster.settings
  return [
    ...[cluster.addresses.scheduler, '--dashboard-address', `${host}:0`, '--name', workerName],
    ...[
      '--nthreads',
      String(worker_threads ?? worker_cores),
      '--memory-limit',
      String(worker_memory),
    ],
  ]
}

/** Files of a cluster's secrets, as the started process sees them. */
export interface SecretPaths {
  readonly token: string
  readonly cert: string
  readonly key: string
}

/** The environment that the scheduler and the workers need; values are never secrets, but paths of files with them. */
export function daskEnvironment(
  cluster: Cluster,
  kind: 'scheduler' | 'worker',
  apiUrl: string,
  secrets: SecretPaths,
): { readonly [name: string]: string } {
  const role = kind.toUpperCase()
  return {
    ...cluster.settings.environment,
    DASK_GATEWAY_API_URL: apiUrl,
    DASK_GATEWAY_CLUSTER_NAME: cluster.name,
    DASK_GATEWAY_API_TOKEN: secrets.token,
    DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION: 'True',
    DASK_DISTRIBUTED__COMM__TLS__CA_FILE: secrets.cert,
    [`DASK_DISTRIBUTED__COMM__TLS__${role}__KEY`]: secrets.key,
    [`DASK_DISTRIBUTED__COMM__TLS__${role}__CERT`]: secrets.cert,
  }
}

import { join, resolve } from 'node:path'
import { runAsRoot, testsInMachine } from './machine.ts'

export { asUser, type CommandResult, runAs, runAsRoot } from './machine.ts'

const scripts = resolve(import.meta.dirname, '../../scripts/hadoop')
/** `machine COMMAND…`, with the environment of `environmentOf`. */
export const hadoopMachine = join(scripts, 'machine')

export type Protection = 'authentication' | 'integrity' | 'privacy'

/** What scripts/hadoop/configuration takes. Without anything: the main version, no Kerberos, ACLs on, node heartbeats of 200 ms. */
export interface HadoopOptions {
  readonly version?: '3.4.3' | '3.5.0'
  readonly security?: 'simple' | 'kerberos'
  /** hadoop.rpc.protection */
  readonly protection?: Protection
  /** dfs.data.transfer.protection; with Kerberos. */
  readonly dataProtection?: Protection
  /** Properties in place of those that the fixture sets, by file. Values have no line breaks. */
  readonly core?: Properties
  readonly hdfs?: Properties
  readonly yarn?: Properties
  readonly capacity?: Properties
}

export interface Properties {
  readonly [name: string]: string | number | boolean
}

/** Properties (of yarn-site.xml) with which an AM's death, or silence, is noticed after `ms`. */
export const amExpiry = (ms: number): Properties => ({
  'yarn.am.liveness-monitor.expiry-interval-ms': ms,
})

/** Properties with which a ResourceManager that is stopped or killed remembers its applications. */
export const resourceManagerRecovery: Properties = {
  'yarn.resourcemanager.recovery.enabled': true,
  'yarn.resourcemanager.store.class':
    'org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore',
  'yarn.resourcemanager.fs.state-store.uri': 'file:///var/lib/hadoop/resourcemanager',
  // For nodes to come back, before it gives containers anew; the default is 10 s.
  'yarn.resourcemanager.work-preserving-recovery.scheduling-wait-ms': 1_000,
}

/** Properties of two ResourceManagers, rm1 and rm2 (which `second-resourcemanager` is); a person decides which is active. */
export const twoResourceManagers: Properties = {
  ...resourceManagerRecovery,
  'yarn.resourcemanager.ha.enabled': true,
  'yarn.resourcemanager.ha.automatic-failover.enabled': false,
  'yarn.resourcemanager.ha.rm-ids': 'rm1,rm2',
  // Whose configuration it is; the addresses of both are this host's.
  'yarn.resourcemanager.ha.id': 'rm1',
  'yarn.resourcemanager.hostname.rm1': 'cluster.dask.test',
  'yarn.resourcemanager.hostname.rm2': 'cluster.dask.test',
  'yarn.resourcemanager.address.rm2': 'cluster.dask.test:8132',
  'yarn.resourcemanager.scheduler.address.rm2': 'cluster.dask.test:8130',
  'yarn.resourcemanager.resource-tracker.address.rm2': 'cluster.dask.test:8131',
  'yarn.resourcemanager.admin.address.rm2': 'cluster.dask.test:8133',
  'yarn.resourcemanager.webapp.address.rm2': 'cluster.dask.test:8188',
}

const fileSystem = 'files'
/** Properties (of core-site.xml, hdfs-site.xml) of two NameNodes, nn1 and nn2 (which `second-namenode` is); a person decides which is active. */
export const twoNameNodes: { readonly core: Properties; readonly hdfs: Properties } = {
  core: { 'fs.defaultFS': `hdfs://${fileSystem}` },
  hdfs: {
    'dfs.nameservices': fileSystem,
    [`dfs.ha.namenodes.${fileSystem}`]: 'nn1,nn2',
    // Whose configuration it is.
    'dfs.ha.namenode.id': 'nn1',
    [`dfs.namenode.rpc-address.${fileSystem}.nn1`]: 'cluster.dask.test:8020',
    [`dfs.namenode.rpc-address.${fileSystem}.nn2`]: 'cluster.dask.test:8120',
    [`dfs.namenode.http-address.${fileSystem}.nn1`]: 'cluster.dask.test:9870',
    [`dfs.namenode.http-address.${fileSystem}.nn2`]: 'cluster.dask.test:9970',
    [`dfs.client.failover.proxy.provider.${fileSystem}`]:
      'org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider',
    'dfs.namenode.shared.edits.dir': 'file:///var/lib/hadoop/shared-edits',
    'dfs.ha.fencing.methods': 'shell(/bin/true)',
    // So that one that stands by knows soon what the other has done.
    'dfs.ha.tail-edits.period': 1,
  },
}

/** Properties with which the keys of AMRM tokens roll each 40 s; the AM's expiry has to be less than a third of it. */
export const amrmKeyRoll: Properties = {
  ...amExpiry(12_000),
  'yarn.resourcemanager.am-rm-tokens.master-key-rolling-interval-secs': 40,
}

/** Properties (of yarn-site.xml) with which a queue takes its share back at once. */
export const preemption: Properties = {
  'yarn.resourcemanager.scheduler.monitor.enable': true,
  'yarn.resourcemanager.monitor.capacity.preemption.monitoring_interval': 500,
  'yarn.resourcemanager.monitor.capacity.preemption.max_wait_before_kill': 1000,
  'yarn.resourcemanager.monitor.capacity.preemption.total_preemption_per_round': 1,
  'yarn.resourcemanager.monitor.capacity.preemption.natural_termination_factor': 1,
}

/**
 * Inside: where things are. Principals: dask and HTTP/cluster.dask.test (in `daskKeytab`, as in the guide), alice, bob, and the
 * daemons' hdfs/… and yarn/…. Queues: default, dask, and small, which only alice and dask may use (10% and no more). HDFS has
 * homes for dask and alice, none for bob, and /dask-gateway, dask's.
 */
export const hadoopPlaces = {
  host: 'cluster.dask.test',
  configuration: '/etc/hadoop/conf',
  krb5Configuration: '/etc/krb5.conf',
  daskKeytab: '/etc/dask-gateway/dask.keytab',
  keytabOf: (user: 'alice' | 'bob') => `/home/${user}/${user}.keytab`,
  resourceManagerWeb: 'http://cluster.dask.test:8088',
  nodeManagerWeb: 'http://cluster.dask.test:8042',
  containerLogs: '/var/log/hadoop/containers',
  containerFolders: '/var/lib/hadoop/nodemanager',
} as const

export type HadoopDaemon =
  | 'kdc'
  | 'namenode'
  | 'second-namenode'
  | 'datanode'
  | 'resourcemanager'
  | 'second-resourcemanager'
  | 'nodemanager'
  | 'second-nodemanager'

/** Runs the tests of a file inside a machine with HDFS and YARN; see `testsInMachine`. */
export function testsInHadoopMachine(file: string, options: HadoopOptions = {}): void {
  testsInMachine(hadoopMachine, file, environmentOf(options))
}

/** Inside. A start is done when the daemon can be used, a stop when it is gone; kill is a crash. */
export function hadoopDaemon(
  verb: 'start' | 'stop' | 'kill',
  ...names: readonly HadoopDaemon[]
): Promise<string> {
  return runAsRoot(join(scripts, 'daemon'), verb, ...names)
}

/** Inside, with `twoResourceManagers` or `twoNameNodes`: lets one serve. The other must be gone, or stand by. */
export function activate(id: 'rm1' | 'rm2' | 'nn1' | 'nn2'): Promise<string> {
  return runAsRoot(join(scripts, 'daemon'), 'activate', id)
}

/** Inside: the daemons' own logs, for a test that failed. */
export function hadoopLogs(): Promise<string> {
  return runAsRoot('sh', '-c', 'tail -n 100 -- /var/log/hadoop/*.log')
}

/** As scripts/hadoop/configuration reads it. */
export function environmentOf(options: HadoopOptions): NodeJS.ProcessEnv {
  const lines = (['core', 'hdfs', 'yarn', 'capacity'] as const).flatMap((site) =>
    Object.entries(options[site] ?? {}).map(([name, value]) => `${site} ${name} ${value}`),
  )
  return {
    HADOOP_VERSION: options.version ?? '3.4.3',
    HADOOP_SECURITY: options.security ?? 'simple',
    HADOOP_PROTECTION: options.protection ?? 'authentication',
    HADOOP_DATA_PROTECTION: options.dataProtection ?? 'authentication',
    HADOOP_PROPERTIES: lines.join('\n'),
  }
}

import * as types from './setting-types.ts'
import { setting, settingsClass } from './settings.ts'

/** `c.ClusterConfig`: see `ClusterSettings` for the resolved form. */
export const clusterConfigSettings = settingsClass({
  name: 'ClusterConfig',
  dottedNames: ['dask_gateway_server.backends.base.ClusterConfig'],
  help: 'What a cluster is started with. Cluster options may change any of these for one cluster.',
  settings: {
    scheduler_cmd: setting(types.command, 'The command that starts a scheduler.', {
      default: ['dask', 'scheduler'],
    }),
    worker_cmd: setting(types.command, 'The command that starts a worker.', {
      default: ['dask', 'worker'],
    }),
    environment: setting(
      types.textMap,
      'Environment variables for the scheduler and the workers.',
      {
        default: {},
      },
    ),
    labels: setting(
      types.labels,
      'What its usage is counted for besides user and groups: names and values, at most 8, such as {"project": "climate"}.',
      { default: {} },
    ),
    worker_memory: setting(
      types.memory,
      'Memory of a worker: bytes, or a number with K, M, G or T.',
      {
        default: '2 G',
      },
    ),
    worker_cores: setting(types.integer({ min: 1 }), 'Cores of a worker.', { default: 1 }),
    worker_threads: setting(types.optional(types.integer({ min: 1 })), 'Threads of a worker.', {
      defaultText: 'worker_cores',
    }),
    scheduler_memory: setting(types.memory, 'Memory of a scheduler.', { default: '2 G' }),
    scheduler_cores: setting(types.integer({ min: 1 }), 'Cores of a scheduler.', { default: 1 }),
    adaptive_period: setting(types.seconds, 'Seconds between decisions of adaptive scaling.', {
      default: 3,
    }),
    idle_timeout: setting(
      types.seconds,
      'Seconds without a running task after which a cluster is stopped; 0: never.',
      { default: 0 },
    ),
    cluster_max_lifetime: setting(
      types.seconds,
      'Seconds from the first heartbeat of its scheduler after which a cluster is stopped; 0: never.',
      { default: 0 },
    ),
    client_timeout: setting(
      types.seconds,
      'Seconds without a connected client after which a cluster is stopped; 0: never.',
      { default: 0 },
    ),
    end_warning: setting(
      types.seconds,
      'Seconds by which an event warns of the end by cluster_max_lifetime or client_timeout; 0: no warning.',
      { default: 300 },
    ),
    cluster_max_memory: setting(
      types.optional(types.memory),
      'Memory of a whole cluster, scheduler included; the smallest of the three limits governs.',
    ),
    cluster_max_cores: setting(
      types.optional(types.float({ min: 0 })),
      'Cores of a whole cluster, scheduler included.',
    ),
    cluster_max_workers: setting(
      types.optional(types.integer({ min: 0 })),
      'Workers of a cluster.',
    ),
    cluster_start_timeout: setting(
      types.optional(types.seconds),
      'Seconds a scheduler may take from its start to its first heartbeat.',
      { defaultText: "the backend's" },
    ),
    worker_start_timeout: setting(
      types.optional(types.seconds),
      'Seconds a worker may take from its start to its connection.',
      { defaultText: "the backend's" },
    ),
    worker_start_failure_limit: setting(
      types.optional(types.integer({ min: 1 })),
      'Workers in a row that may fail to start before the cluster fails.',
      { defaultText: "the backend's" },
    ),
  },
})

/** `c.Backend`: what every backend has. */
export const backendSettings = settingsClass({
  name: 'Backend',
  dottedNames: [
    'dask_gateway_server.backends.base.Backend',
    'dask_gateway_server.backends.Backend',
  ],
  help: 'What every backend has.',
  settings: {
    cluster_options: setting(
      types.anything,
      'What users may choose for a cluster: Options(…), or a callable that takes a user and gives Options.',
      { defaultText: 'no options' },
    ),
    cluster_config_class: setting(
      types.optional(types.className),
      'The class of cluster settings.',
      {
        defaultText: "the backend's own",
      },
    ),
    api_url: setting(types.optional(types.httpUrl), 'The URL of the API as schedulers reach it.', {
      defaultText:
        '{proxy scheme and address}{prefix}/api; for local backends http://{DaskGateway.address}/api',
    }),
    scheduler_networks: setting(
      types.networks,
      'Networks in which a scheduler may report addresses besides its own host and node.',
      { default: [] },
    ),
  },
})

/** `c.DBBackendBase`: records, periods and limits of every backend whose clusters the gateway itself keeps. */
export const dbBackendSettings = settingsClass({
  name: 'DBBackendBase',
  parent: backendSettings,
  dottedNames: ['dask_gateway_server.backends.db_base.DBBackendBase'],
  help: 'Records, periods and limits of clusters.',
  settings: {
    db_url: setting(
      types.text,
      'Where records are kept: sqlite:///PATH (relative to the working directory), or sqlite:///:memory:, which forgets.',
      { default: 'sqlite:///dask_gateway.sqlite' },
    ),
    db_encrypt_keys: setting(
      types.optional(types.textList),
      'Keys that encrypt secrets in the records, base64 of 32 bytes each: the first encrypts, all decrypt.',
      {
        defaultText:
          'DASK_GATEWAY_ENCRYPT_KEYS (";" between keys), else a key file beside the database',
      },
    ),
    db_debug: setting(types.boolean, 'Whether to log every statement.', { default: false }),
    db_cleanup_period: setting(types.seconds, 'Seconds between removals of old records.', {
      default: 600,
    }),
    db_cluster_max_age: setting(types.seconds, 'Seconds for which ended clusters are remembered.', {
      default: 86400,
    }),
    usage_max_age: setting(
      types.optional(types.seconds),
      'Seconds for which the usage of clusters is kept, day by day.',
      { defaultText: 'for ever' },
    ),
    log_max_age: setting(types.seconds, 'Seconds for which the logs of ended clusters are kept.', {
      default: 86400,
    }),
    stop_clusters_on_shutdown: setting(
      types.boolean,
      'Whether an ordered stop of the gateway stops the clusters. A crash never does.',
      { default: true },
    ),
    cluster_status_period: setting(types.seconds, 'Seconds between looks at schedulers.', {
      default: 30,
    }),
    worker_status_period: setting(types.seconds, 'Seconds between looks at workers.', {
      default: 30,
    }),
    cluster_heartbeat_period: setting(
      types.integer({ min: 1 }),
      'Seconds between heartbeats of a scheduler.',
      { default: 15 },
    ),
    cluster_heartbeat_timeout: setting(
      types.optional(types.seconds),
      'Seconds without a heartbeat after which a cluster has failed.',
      { defaultText: 'twice the heartbeat period' },
    ),
    cluster_start_timeout: setting(
      types.seconds,
      'Seconds a scheduler may take from its start to its first heartbeat; waiting in a queue does not count.',
      { default: 60 },
    ),
    worker_start_timeout: setting(
      types.seconds,
      'Seconds a worker may take from its start to its connection; waiting in a queue does not count.',
      { default: 60 },
    ),
    queue_timeout: setting(
      types.seconds,
      'Seconds anything may wait in a queue; 0: without limit.',
      {
        default: 86400,
      },
    ),
    check_timeouts_period: setting(
      types.optional(types.seconds),
      'Seconds between checks of time-outs.',
      {
        defaultText: 'not needed: time-outs are known to the moment',
      },
    ),
    worker_start_failure_limit: setting(
      types.integer({ min: 1 }),
      'Workers in a row that may fail to start before the cluster fails.',
      { default: 3 },
    ),
    parallelism: setting(types.integer({ min: 1 }), 'Clusters that are worked on at once.', {
      default: 20,
    }),
    backoff_base_delay: setting(
      types.seconds,
      'Seconds before the first repetition of what failed.',
      {
        default: 0.1,
      },
    ),
    backoff_max_delay: setting(types.seconds, 'Seconds at most between repetitions.', {
      default: 300,
    }),
    settle_time: setting(
      types.seconds,
      'Seconds between the two looks that must both miss a start of unknown outcome before it is tried anew.',
      { default: 15 },
    ),
    sweep_min_age: setting(
      types.seconds,
      'Seconds that something of ours which no record knows must be old before it is stopped.',
      { default: 300 },
    ),
  },
})

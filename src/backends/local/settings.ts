import {
  clusterConfigSettings,
  dbBackendSettings,
  setting,
  settingsClass,
  types,
} from '../../core/index.ts'

const inheritedByDefault = [
  ...['PATH', 'PYTHONPATH', 'CONDA_ROOT', 'CONDA_DEFAULT_ENV', 'VIRTUAL_ENV', 'LANG', 'LC_ALL'],
]

export const localClusterConfigSettings = settingsClass({
  name: 'LocalClusterConfig',
  parent: clusterConfigSettings,
  dottedNames: ['dask_gateway_server.backends.local.LocalClusterConfig'],
  help: 'What a cluster of local processes is started with.',
  settings: {},
})

export const localBackendSettings = settingsClass({
  name: 'LocalBackend',
  parent: dbBackendSettings,
  dottedNames: ['dask_gateway_server.backends.local.LocalBackend'],
  help: 'Runs clusters as processes on this machine, each as the user whom it belongs to. Needs root.',
  settings: {
    sigint_timeout: setting(
      types.seconds,
      'Seconds that a process may take to end after SIGINT; then it gets SIGTERM.',
      { default: 10 },
    ),
    sigterm_timeout: setting(
      types.seconds,
      'Seconds that a process may take to end after SIGTERM; then it gets SIGKILL.',
      { default: 5 },
    ),
    sigkill_timeout: setting(
      types.seconds,
      'Seconds that a process may take to end after SIGKILL; then a warning is logged, and it is tried again.',
      { default: 5 },
    ),
    clusters_directory: setting(
      types.optional(types.path),
      'The directory in which each cluster has a directory of its own while it lives, for its secrets, logs and working files.',
      {
        defaultText:
          "clusters/ beside the gateway's records; when the gateway is root, /var/lib/dask-gateway-clusters/INSTANCE",
      },
    ),
    inherited_environment: setting(
      types.textList,
      "Names of the gateway's environment variables that schedulers and workers inherit; no other is passed on.",
      { default: inheritedByDefault },
    ),
  },
})

export const unsafeLocalBackendSettings = settingsClass({
  name: 'UnsafeLocalBackend',
  parent: localBackendSettings,
  dottedNames: ['dask_gateway_server.backends.local.UnsafeLocalBackend'],
  help: "Runs the clusters of all users as processes of one account, normally the gateway's own: users are not protected from each other.",
  settings: {
    user: setting(
      types.optional(types.text),
      'Started as root, the gateway runs all clusters as this account; without it, it does not start as root.',
      { defaultText: "the gateway's own account" },
    ),
  },
})

export const inProcessBackendSettings = settingsClass({
  name: 'InProcessBackend',
  parent: unsafeLocalBackendSettings,
  dottedNames: ['dask_gateway_server.backends.inprocess.InProcessBackend'],
  help: 'The same as UnsafeLocalBackend. Its name is older: schedulers and workers once ran inside the gateway; now they are processes.',
  settings: {},
})

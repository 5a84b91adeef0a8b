import { setting, settingsClass, types } from '../../core/index.ts'
import { jobQueueBackendSettings, jobQueueClusterConfigSettings } from '../job-queue/settings.ts'

const resources = 'select=1:ncpus={cores}:mem={memory}'

export const pbsClusterConfigSettings = settingsClass({
  name: 'PBSClusterConfig',
  parent: jobQueueClusterConfigSettings,
  dottedNames: [
    'dask_gateway_server.backends.jobqueue.pbs.PBSClusterConfig',
    'dask_gateway_server.backends.pbs.PBSClusterConfig',
  ],
  help: 'What a cluster on PBS is started with.',
  settings: {
    queue: setting(types.text, "The queue; empty: the server's default.", { default: '' }),
    account: setting(types.text, 'The accounting string of each job; empty: none.', {
      default: '',
    }),
    project: setting(types.text, 'The project of each job; empty: none.', { default: '' }),
    worker_resource_list: setting(
      types.text,
      "A worker's resources. A template: {cores} and {memory} are the worker's.",
      { default: resources },
    ),
    scheduler_resource_list: setting(
      types.text,
      "A scheduler's resources. A template: {cores} and {memory} are the scheduler's.",
      { default: resources },
    ),
    use_stagein: setting(
      types.boolean,
      'Whether PBS copies the staging directory to the node. False: it is on a shared file system.',
      { default: true },
    ),
  },
})

export const pbsBackendSettings = settingsClass({
  name: 'PBSBackend',
  parent: jobQueueBackendSettings,
  aliases: ['PBSClusterBackend'],
  dottedNames: [
    'dask_gateway_server.backends.jobqueue.pbs.PBSBackend',
    'dask_gateway_server.backends.pbs.PBSBackend',
  ],
  help: 'Runs clusters as jobs of PBS, each as the user whom it belongs to.',
  settings: {
    gateway_hostname: setting(
      types.optional(types.text),
      'The name of the host with the staging directory, as PBS knows it.',
      { defaultText: "this host's name" },
    ),
  },
})

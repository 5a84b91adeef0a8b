import {
  clusterConfigSettings,
  dbBackendSettings,
  setting,
  settingsClass,
  types,
} from '../../core/index.ts'

export const jobQueueClusterConfigSettings = settingsClass({
  name: 'JobQueueClusterConfig',
  parent: clusterConfigSettings,
  dottedNames: ['dask_gateway_server.backends.jobqueue.base.JobQueueClusterConfig'],
  help: 'What a cluster on a job queue is started with.',
  settings: {
    scheduler_setup: setting(types.text, 'Lines of bash that run before the scheduler starts.', {
      default: '',
    }),
    worker_setup: setting(types.text, 'Lines of bash that run before a worker starts.', {
      default: '',
    }),
    staging_directory: setting(
      types.text,
      "Where a cluster's files are kept, in a directory of its own. A template: {home} and {username} are the user's.",
      { default: '{home}/.dask-gateway/' },
    ),
    scheduler_time_limit: setting(
      types.optional(types.seconds),
      "Seconds that a scheduler's job may run.",
      { defaultText: "the queue's" },
    ),
    worker_time_limit: setting(
      types.optional(types.seconds),
      "Seconds that a worker's job may run.",
      { defaultText: "the queue's" },
    ),
    worker_retire_before: setting(
      types.seconds,
      'Seconds before worker_time_limit at which a worker hands over what it has and ends (--lifetime).',
      { default: 120 },
    ),
    extra_arguments: setting(
      types.textList,
      "More arguments of the submit command, for each job; the launcher's rules may forbid some.",
      { default: [] },
    ),
  },
})

export const jobQueueBackendSettings = settingsClass({
  name: 'JobQueueBackend',
  parent: dbBackendSettings,
  aliases: ['JobQueueClusterBackend'],
  dottedNames: ['dask_gateway_server.backends.jobqueue.base.JobQueueBackend'],
  help: 'What the backends for job queues have in common.',
  settings: {
    submit_command: setting(types.optional(types.path), 'The command that submits a job.', {
      defaultText: 'found on PATH',
    }),
    cancel_command: setting(types.optional(types.path), 'The command that cancels a job.', {
      defaultText: 'found on PATH',
    }),
    status_command: setting(types.optional(types.path), 'The command that lists jobs.', {
      defaultText: 'found on PATH',
    }),
    dask_gateway_jobqueue_launcher: setting(
      types.optional(types.path),
      'The program that acts for a user; sudo must allow it.',
      { defaultText: 'dask-gateway-jobqueue-launcher, found on PATH' },
    ),
  },
})

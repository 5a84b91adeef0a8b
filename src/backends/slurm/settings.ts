import { setting, settingsClass, types } from '../../core/index.ts'
import { jobQueueBackendSettings, jobQueueClusterConfigSettings } from '../job-queue/settings.ts'

export const slurmClusterConfigSettings = settingsClass({
  name: 'SlurmClusterConfig',
  parent: jobQueueClusterConfigSettings,
  dottedNames: ['dask_gateway_server.backends.jobqueue.slurm.SlurmClusterConfig'],
  help: 'What a cluster on Slurm is started with.',
  settings: {
    partition: setting(types.text, "The partition; empty: Slurm's default.", { default: '' }),
    qos: setting(types.text, 'The quality of service of each job; empty: the default.', {
      default: '',
    }),
    account: setting(types.text, "The account of each job; empty: the user's default.", {
      default: '',
    }),
  },
})

export const slurmBackendSettings = settingsClass({
  name: 'SlurmBackend',
  parent: jobQueueBackendSettings,
  dottedNames: ['dask_gateway_server.backends.jobqueue.slurm.SlurmBackend'],
  help: 'Runs clusters as jobs of Slurm. Not built yet.',
  settings: {},
})

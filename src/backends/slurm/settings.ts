import { setting, settingsClass, types } from '../../core/index.ts'
import { jobQueueBackendSettings, jobQueueClusterConfigSettings } from '../job-queue/settings.ts'

const text = (help: string) => setting(types.text, help, { default: '' })

export const slurmClusterConfigSettings = settingsClass({
  name: 'SlurmClusterConfig',
  parent: jobQueueClusterConfigSettings,
  dottedNames: ['dask_gateway_server.backends.jobqueue.slurm.SlurmClusterConfig'],
  help: 'What a cluster on Slurm is started with.',
  settings: {
    partition: text("The partition; empty: Slurm's default."),
    qos: text('The quality of service of each job; empty: the default.'),
    account: text("The account of each job; empty: the user's default."),
    constraint: text('Features that the node of each job must have (sbatch --constraint).'),
    scheduler_gres: text('Generic resources of a scheduler (sbatch --gres), such as "gpu:1".'),
    worker_gres: text('Generic resources of a worker (sbatch --gres), such as "gpu:1".'),
    reservation: text('The reservation that jobs run in.'),
    nodelist: text('Nodes that jobs must run on (sbatch --nodelist).'),
    exclude: text('Nodes that jobs must not run on (sbatch --exclude).'),
  },
})

export const slurmBackendSettings = settingsClass({
  name: 'SlurmBackend',
  parent: jobQueueBackendSettings,
  dottedNames: ['dask_gateway_server.backends.jobqueue.slurm.SlurmBackend'],
  help: 'Runs clusters as jobs of Slurm, each as the user whom it belongs to.',
  settings: {},
})

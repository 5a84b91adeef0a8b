import type { BackendDriver } from '../backend-driver.ts'
import { type JobQueueValues, jobQueueBackend } from '../job-queue/job-queue-backend.ts'
import { slurmBackendSettings, slurmClusterConfigSettings } from './settings.ts'
import { slurmQueue } from './slurm-queue.ts'

export const slurm: BackendDriver<JobQueueValues> = {
  settings: slurmBackendSettings,
  clusterSettings: slurmClusterConfigSettings,
  runsOn: 'nodes',
  create: (values, context) => jobQueueBackend(values, context, slurmQueue),
}

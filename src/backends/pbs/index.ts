import type { BackendDriver } from '../backend-driver.ts'
import { type JobQueueValues, jobQueueBackend } from '../job-queue/job-queue-backend.ts'
import { pbsQueue } from './pbs-queue.ts'
import { pbsBackendSettings, pbsClusterConfigSettings } from './settings.ts'

export const pbs: BackendDriver<JobQueueValues> = {
  settings: pbsBackendSettings,
  clusterSettings: pbsClusterConfigSettings,
  runsOn: 'nodes',
  create: (values, context) => jobQueueBackend(values, context, pbsQueue),
}

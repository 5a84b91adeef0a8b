import type { BackendDriver } from '../backend-driver.ts'
import { checkJobQueue } from '../job-queue/checks/check-job-queue.ts'
import { findMarkedJobs } from '../job-queue/checks/marked-jobs.ts'
import { jobQueueBackend } from '../job-queue/job-queue-backend.ts'
import type { JobQueueValues } from '../job-queue/place.ts'
import { slurmBackendSettings, slurmClusterConfigSettings } from './settings.ts'
import { slurmQuestions } from './slurm-questions.ts'
import { slurmQueue } from './slurm-queue.ts'

export const slurm: BackendDriver<JobQueueValues> = {
  settings: slurmBackendSettings,
  clusterSettings: slurmClusterConfigSettings,
  runsOn: 'nodes',
  runsAsUser: true,
  create: (values, context) => jobQueueBackend(values, context, slurmQueue),
  findMarked: (values, stateDirectory) => findMarkedJobs(values, slurmQueue, stateDirectory),
  checkHops: (values, given, checks) =>
    checkJobQueue({ values, given, queue: slurmQueue, questions: slurmQuestions }, checks),
}

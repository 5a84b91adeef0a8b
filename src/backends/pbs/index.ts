import type { BackendDriver } from '../backend-driver.ts'
import { checkJobQueue } from '../job-queue/checks/check-job-queue.ts'
import { findMarkedJobs } from '../job-queue/checks/marked-jobs.ts'
import { jobQueueBackend } from '../job-queue/job-queue-backend.ts'
import type { JobQueueValues } from '../job-queue/place.ts'
import { pbsQuestions } from './pbs-questions.ts'
import { pbsQueue } from './pbs-queue.ts'
import { pbsBackendSettings, pbsClusterConfigSettings } from './settings.ts'

export const pbs: BackendDriver<JobQueueValues> = {
  settings: pbsBackendSettings,
  clusterSettings: pbsClusterConfigSettings,
  runsOn: 'nodes',
  runsAsUser: true,
  create: (values, context) => jobQueueBackend(values, context, pbsQueue),
  findMarked: (values, stateDirectory) => findMarkedJobs(values, pbsQueue, stateDirectory),
  checkHops: (values, given, checks) =>
    checkJobQueue({ values, given, queue: pbsQueue, questions: pbsQuestions }, checks),
}

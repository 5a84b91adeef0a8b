import { type PbsJob, pbsStatusArguments } from '../../launcher/index.ts'
import {
  commonOptions,
  definedOnly,
  type JobPlan,
  type Queue,
  type Refusal,
  wordsOf,
} from '../job-queue/queue.ts'
import type { CommandAnswer } from '../job-queue/seen-job.ts'
import { readQstat } from './read-qstat.ts'

/** OpenPBS, by qsub(1B), qstat(1B) and qdel(1B). */
export const pbsQueue: Queue = {
  title: 'PBS',
  manager: 'pbs',
  // Its array jobs must be such that PBS may run them again, which ours must not be.
  indexVariable: null,
  copiesFiles: ({ use_stagein }) => use_stagein !== false,
  job: pbsJob,
  // Of all users: an operator, as the gateway's account should be, sees them.
  statusArguments: () => pbsStatusArguments(),
  readJobs: readQstat,
  submittedId: (stdout) => /^(\d+(?:\.[\w.-]+)?)\s*$/m.exec(stdout)?.[1] ?? null,
  taskId: (jobId) => jobId,
  indexOf: () => null,
  refusalOf,
  // 153: it is not known any more; 35: it has finished; 168: it is ending.
  cancelled: ({ exitCode }) => [0, 35, 153, 168].includes(exitCode),
}

function pbsJob(plan: JobPlan): PbsJob {
  const { role, settings, base, files, hostname } = plan
  const { text, options } = commonOptions(plan)
  const copies = pbsQueue.copiesFiles(settings)
  const template = text(`${role}_resource_list`) ?? 'select=1:ncpus={cores}:mem={memory}'
  return {
    ...base,
    ...options,
    ...definedOnly({ queue: text('queue'), project: text('project') }),
    resources: template
      .replaceAll('{cores}', String(settings[`${role}_cores`]))
      .replaceAll('{memory}', `${Math.ceil(settings[`${role}_memory`] / 1024)}kb`),
    ...(copies ? { stageIn: { hostname, files } } : {}),
    directOutput: !copies,
  }
}

/**
 * qsub ends with the last eight bits of an error's number (pbs_error.h): 38 and 39 are limits of users, groups and projects, 198 is that of a
 * queue's jobs, 162 no connection. 188, what a queue never gives to one job, is final.
 */
function refusalOf(answer: CommandAnswer): Refusal {
  const words = wordsOf(answer)
  if (answer.exitCode === 162 || /cannot connect|Connection (refused|reset)/i.test(words))
    return { kind: 'unknown', words }
  const limit =
    [38, 39, 198].includes(answer.exitCode) || /would exceed |Maximum number of jobs/.test(words)
  return { kind: limit ? 'limit' : 'final', words }
}

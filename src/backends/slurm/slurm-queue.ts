import { type SlurmJob, slurmStatusArguments } from '../../launcher/index.ts'
import {
  commonOptions,
  definedOnly,
  type JobPlan,
  type Queue,
  wordsOf,
} from '../job-queue/queue.ts'
import type { CommandAnswer } from '../job-queue/seen-job.ts'
import { readSqueue } from './read-squeue.ts'

/** Slurm, by sbatch(1), squeue(1) and scancel(1). */
export const slurmQueue: Queue = {
  title: 'Slurm',
  manager: 'slurm',
  indexVariable: 'SLURM_ARRAY_TASK_ID',
  copiesFiles: () => false,
  job: slurmJob,
  statusArguments: (users) => slurmStatusArguments(users ?? undefined),
  readJobs: readSqueue,
  // With --parsable: "12", or "12;cluster".
  submittedId: (stdout) => /^(\d+)(?:;\S*)?\s*$/m.exec(stdout)?.[1] ?? null,
  taskId: (jobId, index) => `${jobId}_${index}`,
  indexOf: (id) => (id.includes('_') ? Number(id.split('_')[1]) : null),
  refusalOf,
  // scancel says nothing of jobs that have ended, and ends with 0.
  cancelled: ({ exitCode }) => exitCode === 0,
}

function slurmJob(plan: JobPlan): SlurmJob {
  const { role, settings, base, tasks } = plan
  const { text, options } = commonOptions(plan)
  return {
    ...base,
    ...options,
    cores: settings[`${role}_cores`],
    memoryBytes: settings[`${role}_memory`],
    ...(tasks === null ? {} : { arraySize: tasks }),
    ...definedOnly({
      queue: text('partition'),
      qos: text('qos'),
      constraint: text('constraint'),
      gres: text(`${role}_gres`),
      reservation: text('reservation'),
      nodelist: text('nodelist'),
      exclude: text('exclude'),
    }),
  }
}

/**
 * slurm_errno.h has these texts; the names of limits come before them, since Slurm 20. Without a name "violates accounting/QOS policy"
 * may be the limit of jobs or one that is final: then it is tried again, which is in vain at worst.
 */
function refusalOf(answer: CommandAnswer) {
  const words = wordsOf(answer)
  const unknown =
    /Unable to contact|Socket timed out|Zero Bytes|temporarily unable|Connection (refused|timed out)|try again/i
  if (unknown.test(words)) return { kind: 'unknown', words } as const
  const limit = /Max\w*SubmitJob\w*|GrpSubmitJobs?\w*|Invalid job array specification/
  const unnamed = /violates accounting\/QOS policy/.test(words) && !/\b(QOS|Assoc)\w+/.test(words)
  return { kind: limit.test(words) || unnamed ? 'limit' : 'final', words } as const
}

import type { CommandAnswer, SeenJob } from '../job-queue/seen-job.ts'

/**
 * The jobs of an answer of `qstat -f -F json`; null: it tells nothing. It ends with 153 when one of the jobs that were
 * asked for is not known, and tells of the others all the same; 35 is that of a finished one.
 */
export function readQstat(answer: CommandAnswer): readonly SeenJob[] | null {
  if (![0, 35, 153].includes(answer.exitCode)) return null
  let document: unknown
  try {
    document = JSON.parse(answer.stdout)
  } catch {
    return null
  }
  if (!isRecord(document)) return null
  const jobs = document.Jobs
  // Without history, or when there is none, the member is missing.
  if (jobs === undefined) return []
  if (!isRecord(jobs)) return null
  return Object.entries(jobs).flatMap(([id, job]) => (isRecord(job) ? seenJob(id, job) : []))
}

type Attributes = { readonly [name: string]: unknown }

function seenJob(id: string, job: Attributes): SeenJob {
  const text = (name: string) => (typeof job[name] === 'string' ? job[name] : '')
  const status = typeof job.Exit_status === 'number' ? job.Exit_status : null
  const state = stateOf(text('job_state'))
  const comment = text('comment')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
  return {
    id,
    name: text('Job_Name'),
    // "alice@host"
    username: text('Job_Owner').replace(/@.*$/s, ''),
    state,
    reason:
      state === 'ended'
        ? endReason(status, comment)
        : state === 'pending'
          ? waitReason(text('job_state'), comment)
          : null,
    ...verdictOf(state, status, comment),
    exitCode: state === 'ended' && status !== null && status >= 0 && status < 256 ? status : null,
    // "node/0", or "node/0*2+…"
    node: /^([A-Za-z0-9][\w.-]*)\//.exec(text('exec_host'))?.[1] ?? null,
  }
}

/** qstat(1B): queued, held, moved, waiting; ended are finished (F) and expired (X). The rest has processes. */
function stateOf(letter: string): SeenJob['state'] {
  if (['Q', 'H', 'T', 'W', 'M'].includes(letter)) return 'pending'
  return letter === 'F' || letter === 'X' ? 'ended' : 'running'
}

function waitReason(letter: string, comment: string): string | null {
  if (isNever(comment)) return comment
  if (comment !== '') return `Waiting in the queue: ${comment}`
  // qstat(1B) has more of each; PBS comments on neither.
  if (letter === 'H') return 'Waiting in the queue: held'
  if (letter === 'W')
    return 'Waiting in the queue: its files could not be copied to the node, which PBS tries again later'
  return null
}

/** The scheduler's words for what no node, queue or limit ever allows. */
function isNever(comment: string): boolean {
  return comment.startsWith('Can Never Run')
}

function verdictOf(
  state: SeenJob['state'],
  status: number | null,
  comment: string,
): Pick<SeenJob, 'verdict'> {
  if (state === 'pending' && isNever(comment)) return { verdict: 'never' }
  const isInterrupted = status !== null && interruptions.has(status)
  return state === 'ended' && isInterrupted ? { verdict: 'interrupted' } : {}
}

/** pbs_job.h: aborted as the node came back, to be run again (which ours are not), a node was lost, walltime. */
const interruptions: ReadonlySet<number> = new Set([-4, -5, -6, -11, -14, -15, -18, -20, -29])

/** Above 255: 256 and a signal. Negative: PBS itself ended the job (pbs_job.h, JOB_EXEC_…). */
function endReason(status: number | null, comment: string): string {
  if (status === null) return comment === '' ? 'deleted before it ran' : comment
  const words = ends[status]
  if (words !== undefined) return words
  if (status === 271) return 'killed by signal 15 (SIGTERM): the job was deleted'
  if (status > 256) return `killed by signal ${status - 256}`
  if (status < 0) return comment === '' ? `PBS ended the job (${status})` : comment
  return `exited with status ${status}`
}

const ends: { readonly [status: number]: string } = {
  [-20]: 'the node failed: PBS could not reach it',
  [-14]: 'a node of the job failed',
  [-29]: 'the time limit of the job was over',
  [-28]: 'the job used more CPU time than it had asked for',
  [-27]: 'killed for memory: the job used more than it had asked for',
  [-26]: 'killed for virtual memory: the job used more than it had asked for',
  [-25]: 'killed for cores: the job used more than it had asked for',
  [-24]: 'killed for cores: the job used more than it had asked for',
}

function isRecord(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import type { ClusterSettings } from '../../core/index.ts'
import type { Job, Manager, PbsJob, SlurmJob } from '../../launcher/index.ts'
import type { CommandAnswer, SeenJob } from './seen-job.ts'

/** All that one kind of job queue adds to the backend for job queues: names, and pure functions from text to facts. */
export interface Queue {
  readonly title: string
  readonly manager: Manager
  /** In which a task of an array job finds its index; null: each worker is a job of its own. */
  readonly indexVariable: string | null
  /** Whether jobs get copies of the staging directory's files, rather than the directory itself. */
  copiesFiles(settings: ClusterSettings): boolean
  /** A job as the launcher takes it. `tasks`: how many an array has; null: no array. */
  job(plan: JobPlan): SlurmJob | PbsJob
  /** For all jobs of these users; null: of everybody. */
  statusArguments(users: readonly string[] | null): readonly string[]
  /** Which of its answers are jobs; null: it failed, hence tells nothing. */
  readJobs(answer: CommandAnswer): readonly SeenJob[] | null
  /** What a submit command that did not fail says; null: no id in it. */
  submittedId(stdout: string): string | null
  taskId(jobId: string, index: number): string
  /** The index of a task in its array; null: the id of a job that is none. */
  indexOf(id: string): number | null
  /** Why the submit command failed. */
  refusalOf(answer: CommandAnswer): Refusal
  /** Whether the cancel command did what was asked, or found nothing left to do. */
  cancelled(answer: CommandAnswer): boolean
}

export interface JobPlan {
  readonly role: 'scheduler' | 'worker'
  readonly settings: ClusterSettings
  /** What every queue takes in the same way. */
  readonly base: Pick<Job, 'name' | 'script' | 'log'>
  readonly tasks: number | null
  /** Names of the files that a copy needs. */
  readonly files: readonly string[]
  /** The name of the gateway's host. */
  readonly hostname: string
}

/** `final`: asked again it would refuse again. `limit`: fewer would fit, or later. `unknown`: the queue was not reached, or its answer was lost. */
export interface Refusal {
  readonly kind: 'final' | 'limit' | 'unknown'
  /** In the queue's own words. */
  readonly words: string
}

/** What both queues take of the settings, in the launcher's words. */
export function commonOptions({ role, settings }: JobPlan) {
  const text = (name: string) => {
    const value = settings[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const seconds = settings[`${role}_time_limit`]
  const extra = settings.extra_arguments
  return {
    text,
    options: {
      ...definedOnly({ account: text('account') }),
      ...(typeof seconds === 'number' ? { timeLimitSeconds: Math.ceil(seconds) } : {}),
      ...(Array.isArray(extra) && extra.length > 0 ? { extraArguments: extra.map(String) } : {}),
    },
  }
}

/** Without the members that are undefined: absent is what the launcher knows. */
export function definedOnly<K extends string>(
  values: {
    readonly [key in K]: string | undefined
  },
): { [key in K]?: string } {
  const defined: { [key in K]?: string } = {}
  for (const key in values) {
    const value = values[key]
    if (value !== undefined) defined[key] = value
  }
  return defined
}

/** The queue's own words, fit to be part of a sentence: without the command's name before each line. */
export function wordsOf({ stdout, stderr, exitCode }: CommandAnswer): string {
  const text = (stderr.trim() === '' ? stdout : stderr)
    .split('\n')
    .map((line) =>
      line
        .replace(/^\s*\w+: (error: )?/, '')
        .replace(/[\p{C}\s]+/gu, ' ')
        .trim(),
    )
    .filter((line) => line !== '')
    .join('; ')
  if (text === '') return `it ended with status ${exitCode} and no words`
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}

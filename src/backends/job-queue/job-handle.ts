import type { Json } from '../../core/index.ts'

/** What is kept of a submitted job. */
export interface JobHandle {
  /** The queue's id of the job, or of the task of an array. */
  readonly job: string
  /** The name of its log in the staging directory. */
  readonly log: string
  /** Its owner's user id: the account may be removed before the job ends. */
  readonly uid: number
}

export function handleJson({ job, log, uid }: JobHandle): Json {
  return { job, log, uid }
}

/** null: the record holds no handle of a job. */
export function parseHandle(handle: Json | null): JobHandle | null {
  if (typeof handle !== 'object' || handle === null || !('job' in handle)) return null
  const { job, log, uid } = handle
  if (typeof job !== 'string' || typeof log !== 'string' || typeof uid !== 'number') return null
  return { job, log, uid }
}

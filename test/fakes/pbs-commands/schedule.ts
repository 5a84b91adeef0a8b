import { type Job, node } from './job.ts'
import { loseJob, runJob } from './run-job.ts'
import type { Settings } from './settings.ts'

/** Starts what can run, in the order in which it came, and tells of the rest why it does not. */
export function schedule(jobs: readonly Job[], settings: Settings): void {
  if (settings.nodeDown)
    for (const job of jobs) if (job.telling === 'running' && !job.lost) loseJob(job)
  if (!settings.scheduling || settings.nodeDown) return
  for (const job of jobs.filter(({ telling }) => telling === 'queued')) {
    const running = jobs.filter(({ state }) => state === 'R' || state === 'E')
    const { cores, memory, memoryKb } = job.request.resources
    const freeCores = node.cores - sum(running, (each) => each.request.resources.cores)
    const freeKb = node.memoryKb - sum(running, (each) => each.request.resources.memoryKb)
    const theirs = running.filter((each) => each.owner.uid === job.owner.uid)
    if (cores > node.cores) job.lacks('ncpus', `${cores}`, `${node.cores}`, `${node.cores}`)
    else if (memoryKb > node.memoryKb)
      job.lacks('mem', memory ?? '', megabytes(node.memoryKb), megabytes(node.memoryKb))
    else if (theirs.length >= (settings.runningPerUser ?? Infinity)) job.limitReached()
    else if (cores > freeCores) job.lacks('ncpus', `${cores}`, `${freeCores}`, `${node.cores}`)
    else if (memoryKb > freeKb)
      job.lacks('mem', memory ?? '', megabytes(freeKb), megabytes(node.memoryKb))
    else {
      const slots = new Set(running.map(({ slot }) => slot))
      while (slots.has(job.slot)) job.slot += 1
      void runJob(job).catch((error: unknown) => console.error(`${job.id}:`, error))
    }
  }
}

const megabytes = (kb: number) => `${Math.floor(kb / 1024)}mb`

function sum(jobs: readonly Job[], of: (job: Job) => number): number {
  return jobs.reduce((total, job) => total + of(job), 0)
}

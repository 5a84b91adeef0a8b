import { hostname } from 'node:os'
import { userOf } from './accounts.ts'
import type { Job } from './job.ts'
import { type Answer, answerAs } from './recorded.ts'
import { killJob } from './run-job.ts'
import type { Call } from './server.ts'
import type { Settings } from './settings.ts'

export function qdel(call: Call, settings: Settings, jobs: readonly Job[]): Answer {
  const { name } = userOf(call.uid)
  const answers = call.argv.map((id) => {
    const job = jobs.find((each) => each.id === id)
    if (job === undefined || (job.state === 'F' && !settings.history))
      return answerAs('qdel-unknown', { '99999.pbs': id })
    if (job.state === 'F') return answerAs('qdel-finished', { '1.pbs': id })
    if (job.owner.uid !== call.uid && call.uid !== 0 && !settings.operators.includes(name))
      return answerAs('qdel-other', { '1.pbs': id })
    if (job.state === 'E') return answerAs('s2-qdel-subjob', { '10[1].pbs': id })
    end(job, `${name}@${hostname()}`)
    return answerAs('qdel-ok')
  })
  const failed = answers.filter(({ returncode }) => returncode !== 0)
  return {
    returncode: failed.at(-1)?.returncode ?? 0,
    stdout: '',
    stderr: failed.map(({ stderr }) => stderr).join(''),
  }
}

function end(job: Job, by: string): void {
  if (job.state === 'R') {
    job.deletedBy = by
    killJob(job)
  } else job.become(job.comment === null ? 'deletedBefore' : 'deletedQueued')
}

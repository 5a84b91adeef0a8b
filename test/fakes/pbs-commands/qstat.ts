import { userOf } from './accounts.ts'
import type { Job } from './job.ts'
import { printJson } from './print-json.ts'
import { type Answer, type Attributes, answerAs, recorded } from './recorded.ts'
import type { Call } from './server.ts'
import type { Settings } from './settings.ts'

/** `qstat -B -f -F json` of the server; `qstat -f -F json`, of all jobs, or with `-x` of these, whatever became of them. */
export function qstat(call: Call, settings: Settings, jobs: readonly Job[]): Answer {
  const rest = [...call.argv]
  const options = rest.splice(
    0,
    rest.findLastIndex((word) => word.startsWith('-') || word === 'json') + 1,
  )
  if (options.join(' ') === '-B -f -F json') return serverAnswer(settings)
  const withHistory = options.includes('-x')
  const known = options.filter((word) => word !== '-x').join(' ')
  if (known !== '-f -F json') throw new Error(`qstat ${options.join(' ')} is not known here`)
  const { name } = userOf(call.uid)
  const seesAll = settings.queryOtherJobs || settings.operators.includes(name) || call.uid === 0
  const visible = jobs.filter((job) => seesAll || job.owner.uid === call.uid)
  const errors: Answer[] = []
  const told = rest.flatMap((id) => {
    const job = jobs.find((each) => each.id === id)
    if (withHistory && !settings.history)
      errors.push(answerAs('nohistory-qstat-json', { '91.pbs': id }))
    else if (job === undefined || (job.state === 'F' && !settings.history))
      errors.push(answerAs('qstat-json-unknown', { '99999.pbs': id }))
    else if (job.state === 'F' && !withHistory)
      errors.push(answerAs('s2-qstat-bob-token', { '0.pbs': id }))
    else return visible.includes(job) ? [job] : []
    return []
  })
  const shown = rest.length > 0 ? told : visible.filter((job) => job.state !== 'F' || withHistory)
  return {
    returncode: errors.at(-1)?.returncode ?? 0,
    stdout: `${printJson(documentOf(shown))}\n`,
    stderr: errors.map(({ stderr }) => stderr).join(''),
  }
}

function serverAnswer({ queryOtherJobs }: Settings): Answer {
  const others = queryOtherJobs ? 'True' : 'False'
  return answerAs('qstat-B-json', {
    '"query_other_jobs":\t"True"': `"query_other_jobs":\t"${others}"`,
  })
}

function documentOf(jobs: readonly Job[]): Attributes {
  const like = JSON.parse(recorded('noquery-bob').stdout) as Attributes
  return {
    ...like,
    timestamp: Math.floor(Date.now() / 1000),
    ...(jobs.length === 0
      ? {}
      : { Jobs: Object.fromEntries(jobs.map((job) => [job.id, job.attributes()])) }),
  }
}

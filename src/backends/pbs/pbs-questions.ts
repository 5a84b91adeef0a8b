import { type Finding, failed, ok, warning } from '../../core/index.ts'
import type { QueueQuestion } from '../job-queue/checks/queue-question.ts'
import { wordsOf } from '../job-queue/queue.ts'
import type { CommandAnswer } from '../job-queue/seen-job.ts'

/** What `doctor` asks PBS: qstat(1B). */
export const pbsQuestions: readonly QueueQuestion[] = [
  {
    ...{ name: 'queue: server', program: 'qstat', args: ['-B', '-f', '-F', 'json'] },
    judge: judgeServer,
  },
]

function judgeServer(answer: CommandAnswer): Finding {
  const [name, server] = serverIn(answer.stdout) ?? []
  if (answer.exitCode !== 0 || name === undefined || server === undefined)
    return failed(
      `The server of PBS does not answer: ${wordsOf(answer)}`,
      "Until it is back nothing can be submitted, cancelled or looked at; running clusters go on. See its log, and PBS_SERVER in /etc/pbs.conf of this machine, and that this machine's name is known there.",
    )
  const { query_other_jobs, operators, pbs_version } = server
  const answers = `The server ${name} answers (PBS ${pbs_version})`
  // The gateway's account must be seen as an operator to see the jobs of all users, where others are not to see them.
  if (query_other_jobs !== 'False' || operators !== undefined) return ok(answers)
  return warning(
    `${answers}, but it hides jobs of other users, and has no operators`,
    'qmgr -c "set server operators += ACCOUNT@HOST" with the account of the gateway.',
  )
}

type Server = Readonly<Record<string, unknown>>

function serverIn(text: string): readonly [string, Server] | null {
  try {
    const [entry] = Object.entries(JSON.parse(text).Server ?? {})
    return entry === undefined ? null : [entry[0], entry[1] as Server]
  } catch {
    return null
  }
}

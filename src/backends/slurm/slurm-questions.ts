import { type Finding, failed, ok, warning } from '../../core/index.ts'
import type { QueueQuestion } from '../job-queue/checks/queue-question.ts'
import { wordsOf } from '../job-queue/queue.ts'
import type { CommandAnswer } from '../job-queue/seen-job.ts'

/** What `doctor` asks Slurm: scontrol(1), slurm.conf(5). */
export const slurmQuestions: readonly QueueQuestion[] = [
  { name: 'queue: commands', program: 'squeue', args: ['--version'], judge: judgeVersion },
  { name: 'queue: controller', program: 'scontrol', args: ['ping'], judge: judgePing },
  { name: 'queue: site', program: 'scontrol', args: ['show', 'config'], judge: judgeSite },
]

function judgeVersion(answer: CommandAnswer): Finding {
  const version = /^slurm\S* (\d[\w.-]*)/m.exec(answer.stdout)?.[1]
  return version === undefined
    ? failed(`squeue does not tell its version: ${wordsOf(answer)}`)
    : ok(`squeue of Slurm ${version} can be run`)
}

/** A line for each controller; one that is up is enough. */
function judgePing(answer: CommandAnswer): Finding {
  const up = /^(Slurmctld\S* at \S+ is UP)/m.exec(answer.stdout)?.[1]
  return up === undefined
    ? failed(
        `Slurm's controller does not answer: ${wordsOf(answer)}`,
        'Until it is back nothing can be submitted, cancelled or looked at; running clusters go on. See systemctl status slurmctld and its log, and that this machine has the slurm.conf and the munge key of the cluster.',
      )
    : ok(up)
}

function judgeSite(answer: CommandAnswer): Finding {
  const value = (name: string) =>
    new RegExp(`^${name}\\s*= (.*)$`, 'm').exec(answer.stdout)?.[1]?.trim() ?? ''
  if (answer.exitCode !== 0 || value('PrivateData') === '')
    return warning(`Slurm does not tell how it is set up: ${wordsOf(answer)}`)
  const remarks = [
    ...(value('PrivateData').split(',').includes('jobs')
      ? [
          'PrivateData hides jobs from the gateway: it asks as each user, by the launcher. An operator of Slurm would see all of them.',
        ]
      : []),
    ...(value('EnforcePartLimits') === 'NO'
      ? [
          'EnforcePartLimits=NO: a job that can never run is accepted, and given up by the gateway. With ALL, sbatch refuses it and says why.',
        ]
      : []),
  ]
  const { length } = remarks
  const words = length === 0 ? '' : `, with ${length === 1 ? 'a remark' : 'remarks'}`
  return { ...ok(`Slurm's configuration suits the gateway${words}`), details: remarks }
}

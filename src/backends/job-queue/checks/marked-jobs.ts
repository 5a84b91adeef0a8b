import { join } from 'node:path'
import { GatewayError } from '../../../core/index.ts'
import { commandNames } from '../../../launcher/index.ts'
import type { Marked } from '../../backend-driver.ts'
import { Batches } from '../batches.ts'
import { findCommands } from '../find-commands.ts'
import { oldServerName, readJobName } from '../job-name.ts'
import type { JobQueueValues } from '../place.ts'
import { type Queue, wordsOf } from '../queue.ts'
import { runCommand } from '../run-command.ts'
import type { SeenJob } from '../seen-job.ts'

const limitMs = 45_000

/** Jobs that have not ended and bear the name of any gateway's, or of the old server's, as far as this account may see. */
export async function findMarkedJobs(
  values: JobQueueValues,
  queue: Queue,
  stateDirectory: string,
): Promise<readonly Marked[]> {
  const { submit_command: submit, cancel_command: cancel, status_command: status } = values
  const commands = findCommands({ submit, cancel, status }, queue.manager)
  const program = commands.status ?? commandNames[queue.manager].status
  const signal = AbortSignal.timeout(limitMs)
  const argv = [program, ...queue.statusArguments(null)] as const
  const answer = await runCommand({ argv: [...argv], limitMs, signal })
  const jobs = queue.readJobs(answer)
  if (jobs === null)
    throw new GatewayError('upstream', `${queue.title} does not tell of jobs: ${wordsOf(answer)}`)
  const batches = new Batches(join(stateDirectory, 'job-arrays'))
  await batches.look()
  return markedOf(queue, jobs, (leader, index) => batches.attemptAt(leader, index))
}

/** Pure. `attemptAt`: of a task in an array of this instance. */
export function markedOf(
  queue: Pick<Queue, 'indexOf'>,
  jobs: readonly SeenJob[],
  attemptAt: Batches['attemptAt'],
): readonly Marked[] {
  return jobs.flatMap(({ id, name, username, state }) => {
    const read = readJobName(name)
    if (state === 'ended' || (read === null && name !== oldServerName)) return []
    const own = { what: `job ${id} of ${username}`, owner: null, clusterName: null }
    if (read === null) return { ...own, instanceId: null, attemptId: null }
    const { instanceId, attemptId: leader } = read
    return { ...own, instanceId, attemptId: attemptAt(leader, queue.indexOf(id)) ?? leader }
  })
}

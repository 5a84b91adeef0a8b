import type { LogPiece, ObjectRef } from '../../core/index.ts'
import { applicationOf } from './application-handle.ts'
import { stderrOf } from './container-end.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import type { WorkerFact } from './master-message.ts'
import { containerText, nodeLog } from './node-log.ts'

const mostBytes = 512 * 1024

/** What a worker said, as far as YARN tells it; else how to get it. null: it has no container. */
export async function workerLog(
  place: HadoopPlace,
  ref: ObjectRef,
  fact: WorkerFact | null | undefined,
  signal: AbortSignal,
): Promise<LogPiece | null> {
  const last = stderrOf(fact?.words ?? '')
  if (last !== null) return { from: 0, bytes: Buffer.from(last) }
  const application = applicationOf(ref.handle)
  if (application === null || fact?.container === undefined) return null
  const name = { application: application.id, number: fact.container }
  const live =
    fact.state === 'running' ? await nodeLog(place, ref.username, name, mostBytes, signal) : null
  if (live !== null) return live
  const command = `yarn logs -applicationId ${application.text} -containerId ${containerText(name)} -log_files stderr`
  return { from: 0, bytes: Buffer.from(`YARN has this worker's log. To read it: ${command}\n`) }
}

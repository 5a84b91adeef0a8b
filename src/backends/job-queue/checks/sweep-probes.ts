import { messageOf } from '../../../core/index.ts'
import { lookUpAccount } from '../../account.ts'
import { type ProbeParts, takeBackProbe } from './probe-job.ts'
import { oldNotes } from './probe-notes.ts'

/** Longer than a doctor and its probe live. */
const minAgeMs = 180_000

/** Takes back the probes of doctors that were killed. Says of each what became of it. */
export async function sweepProbes(
  parts: ProbeParts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const said: string[] = []
  for (const note of await oldNotes(parts.stateDirectory, minAgeMs)) {
    const what = `the doctor's probe ${note.attemptId} of ${note.username}`
    try {
      const account = await lookUpAccount(note.username, signal)
      if ('refused' in account) continue
      await takeBackProbe(parts, account, note, signal)
      said.push(what)
    } catch (error) {
      said.push(`${what}, which failed: ${messageOf(error)}`)
    }
  }
  return said
}

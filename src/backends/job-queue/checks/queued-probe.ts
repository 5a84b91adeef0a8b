import type { ProbeToCheck } from './check-probe.ts'
import {
  logOfProbe,
  lookAtProbe,
  type ProbeJob,
  type ProbeParts,
  type ProbeRequest,
  submitProbe,
  takeBackProbe,
} from './probe-job.ts'
import type { ProbeNote } from './probe-notes.ts'
import { sweepProbes } from './sweep-probes.ts'

/** The probe as a job of a queue; what an earlier doctor left behind is taken back with it. */
export function queuedProbe(
  parts: ProbeParts,
  request: ProbeRequest,
): Pick<ProbeToCheck, 'begin' | 'look' | 'log' | 'takeBack'> {
  const { account } = request
  let note: ProbeNote | null = null
  let job: ProbeJob | null = null
  return {
    async begin(signal) {
      job = await submitProbe(
        parts,
        request,
        (made) => {
          note = made
        },
        signal,
      )
      return job
    },
    async look(signal) {
      if (note === null) return null
      const seen = await lookAtProbe(parts, account, note, signal)
      return seen === null ? null : { ...seen, node: 'node' in seen ? seen.node : null }
    },
    async log(signal) {
      return job === null ? '' : await logOfProbe(parts, account, job, signal)
    },
    async takeBack(signal) {
      await sweepProbes(parts, signal)
      if (note !== null) await takeBackProbe(parts, account, note, signal)
    },
  }
}

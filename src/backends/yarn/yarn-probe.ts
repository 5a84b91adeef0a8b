import { randomHex } from '../../util/index.ts'
import type { ProbeToCheck } from '../job-queue/checks/check-probe.ts'
import { containerEnd, sentence, stderrOf } from './container-end.ts'
import type { HadoopPlace } from './hadoop-place.ts'
import {
  hasEnded,
  lookAtProbe,
  type ProbeApplication,
  type ProbeNote,
  type ProbeRequest,
  submitProbe,
  takeBackProbe,
} from './probe-application.ts'

/** The probe as an application of YARN. */
export function yarnProbe(
  place: HadoopPlace,
  request: ProbeRequest,
): Pick<ProbeToCheck, 'begin' | 'look' | 'log' | 'takeBack'> {
  const { username } = request
  const note: ProbeNote = { name: randomHex(16), id: null }
  let probe: ProbeApplication | null = null
  let log = ''
  return {
    async begin(signal) {
      probe = await submitProbe(place, request, note, signal)
      return probe
    },
    async look(signal) {
      const seen = probe === null ? null : await lookAtProbe(place, username, probe, signal)
      if (probe === null || seen === null) return null
      const { text: id } = probe
      const { diagnostics = '' } = seen.report
      if (hasEnded(seen.report)) {
        log = stderrOf(diagnostics) ?? ''
        const [, status] = /exited with\s+exitCode:\s*(-?\d+)/.exec(diagnostics) ?? []
        const reason =
          status === undefined
            ? sentence(diagnostics)
            : containerEnd(Number(status), diagnostics).reason
        return { state: 'ended', id, node: null, reason }
      }
      const state = seen.host === null ? 'pending' : 'running'
      return { state, id, node: seen.host, reason: sentence(diagnostics) || null }
    },
    async log() {
      return log
    },
    takeBack: (signal) => takeBackProbe(place, request, note, signal),
  }
}

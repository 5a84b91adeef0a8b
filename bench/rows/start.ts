import { cpuSecondsEver } from '../processes.ts'
import { inRounds, type Row } from '../row.ts'
import { kinds, startServer } from '../servers.ts'

export const start: Row = {
  name: 'start',
  title: 'Start of the gateway',
  note: 'From the command to the first answer to a user, with no clusters recorded.',
  async measure(bench) {
    let round = 0
    const figures = {
      ms: { what: 'time, ms', better: 'less', goal: 2 },
      cpuMs: { what: 'CPU of all processes until then, ms', better: 'less' },
    } as const
    const both = Object.fromEntries(kinds.map((kind) => [kind, kind]))
    return inRounds(bench, both, figures, async (kind) => {
      round += 1
      const directory = bench.directory(`${kind}-${round}`)
      const server = await startServer(bench, kind, { backend: 'local', directory })
      const cpuMs = cpuSecondsEver(server.processes()) * 1000
      await server.stop()
      return { ms: server.startMs, cpuMs }
    })
  },
}

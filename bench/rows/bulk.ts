import { latenciesWhile, session } from '../load.ts'
import { cpuSeconds } from '../processes.ts'
import { type FigureKind, inRounds, quantile, type Row } from '../row.ts'
import { type Passer, runPeer, startPassers } from '../tunnels.ts'

export const bulk: Row = {
  name: 'bulk',
  title: 'Bulk through a tunnel',
  note: 'Two gigabytes each way, one tunnel at a time; CPU is that of the proxy. Then the same downwards while another connection asks for `GET options`.',
  async measure(bench) {
    const passers = await startPassers(bench)
    const bytes = bench.quick ? 100e6 : 2e9
    const kinds = {
      downRate: { what: 'down, MB/s', better: 'more', goal: 1 },
      downCpu: { what: 'down, CPU s/GB', better: 'less', goal: 1 },
      upRate: { what: 'up, MB/s', better: 'more', goal: 1 },
      upCpu: { what: 'up, CPU s/GB', better: 'less', goal: 1 },
      meanwhileMs: { what: '`GET options` meanwhile: p99, ms', better: 'less', goal: 1 },
    } as const satisfies { readonly [key: string]: FigureKind }
    return inRounds(bench, passers, kinds, async (passer: Passer) => {
      const down = await move('down')
      const up = await move('up')
      const figures = { downRate: down.rate, downCpu: down.cpu, upRate: up.rate, upCpu: up.cpu }
      const { server } = passer
      if (server === null) return figures
      const moved = runPeer(bench, 'down', passer, bytes)
      const options = `${server.url}/api/v1/options`
      const waits = await latenciesWhile(options, await session(server, 'somebody'), moved)
      await moved
      return { ...figures, meanwhileMs: quantile(waits, 0.99) }

      async function move(direction: 'down' | 'up') {
        const before = cpuSeconds(passer.processes())
        const { seconds = Number.NaN } = await runPeer(bench, direction, passer, bytes)
        const cpu = cpuSeconds(passer.processes()) - before
        return { rate: bytes / 1e6 / seconds, cpu: cpu / (bytes / 1e9) }
      }
    })
  },
}

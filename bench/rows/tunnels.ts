import type { Bench } from '../bench.ts'
import { cpuSeconds, proportionalMegabytes } from '../processes.ts'
import { inRounds, type Row } from '../row.ts'
import { type Passer, runPeer, startPassers, withIdleTunnels } from '../tunnels.ts'

export const tunnels: Row = {
  name: 'tunnels',
  title: 'Tunnels',
  note: `A tunnel is a TLS hello with the name of a cluster and then bytes; CPU and memory are those of the proxy alone. Echo: 64 bytes
there and back. Connections: one after the other, each with one echo. Memory: once, of a proxy that has just begun. HAProxy has one thread and one rule.`,
  async measure(bench) {
    const passers = await startPassers(bench)
    const kinds = {
      p50: { what: 'echo, p50, µs', better: 'less', goal: 1 },
      p99: { what: 'echo, p99, µs', better: 'less', goal: 1 },
      connections: { what: 'connections a second', better: 'more', goal: 1 },
      connectionCpu: { what: 'CPU a connection, µs', better: 'less', goal: 1 },
      idleKilobytes: { what: 'memory of an idle tunnel (of 1,000), kB', better: 'less', goal: 1 },
    } as const
    const seen = new Set<Passer>()
    return inRounds(bench, passers, kinds, async (passer: Passer) => {
      // Of a process that has done nothing before: later its memory has room from earlier connections.
      const idle = seen.has(passer) ? {} : { idleKilobytes: await idleMemory(bench, passer) }
      seen.add(passer)
      const trips = bench.quick ? 200 : 5000
      const { p50 = Number.NaN, p99 = Number.NaN } = await runPeer(bench, 'echo', passer, trips)
      const count = bench.quick ? 50 : 1000
      const cpuBefore = cpuSeconds(passer.processes())
      const { seconds = Number.NaN } = await runPeer(bench, 'connect', passer, count)
      const cpu = cpuSeconds(passer.processes()) - cpuBefore
      return {
        ...{ p50, p99, ...idle },
        connections: count / seconds,
        connectionCpu: (cpu / count) * 1e6,
      }
    })
  },
}

async function idleMemory(bench: Bench, passer: Passer): Promise<number> {
  const count = bench.quick ? 100 : 1000
  const before = proportionalMegabytes(passer.processes())
  const held = await withIdleTunnels(bench, passer, count, () =>
    proportionalMegabytes(passer.processes()),
  )
  return ((held - before) / count) * 1024
}

import { environmentOf, type HadoopOptions, hadoopMachine } from '../../test/support/hadoop.ts'
import { inMachine } from '../in-machine.ts'
import type { Row } from '../row.ts'

const machines: Readonly<Record<string, HadoopOptions>> = {
  simple: {},
  'Kerberos, privacy': { security: 'kerberos', protection: 'privacy' },
}

interface Sample {
  readonly aloneMs: number
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

export const hadoopCalls: Row = {
  name: 'hadoop-calls',
  title: 'Calls of Hadoop',
  note: '`getClusterMetrics` of a real ResourceManager on the same machine, as two users in turn: one at a time, then 32 at once; CPU is that of the client. The old server asked through a JVM beside it.',
  async measure(bench) {
    const samples: [string, Sample][] = []
    for (const [name, options] of Object.entries(machines)) {
      const words = [options.security ?? 'simple', bench.loadSeconds, bench.rounds]
      const environment = environmentOf(options)
      const calls = 'hadoop/calls.ts'
      samples.push([name, await inMachine<Sample>(bench, hadoopMachine, calls, words, environment)])
    }
    const medians = (key: keyof Sample) =>
      Object.fromEntries(samples.map(([name, sample]) => [name, sample[key]]))
    return [
      { what: 'one at a time, ms', better: 'less', medians: medians('aloneMs') },
      { what: '32 at once, calls/s', better: 'more', medians: medians('perSecond') },
      { what: 'CPU of the client, µs/call', better: 'less', medians: medians('cpuMicroseconds') },
    ]
  },
}

import { Agent } from 'node:http'
import { ask } from '../../test/support/ask.ts'
import { latenciesWhile, session } from '../load.ts'
import { cpuSeconds } from '../processes.ts'
import { inRounds, quantile, type Row } from '../row.ts'
import { startBoth } from '../servers.ts'

export const create: Row = {
  name: 'create',
  title: '`POST clusters`',
  note: `100 one after the other, in both on a backend that only records them (and in both on disk). Meanwhile another
connection asks for \`GET options\`; before, it did so alone.`,
  async measure(bench) {
    const servers = await startBoth(bench, { backend: 'idle' })
    const count = bench.quick ? 5 : 100
    const kinds = {
      perSecond: { what: 'clusters a second', better: 'more', goal: 10 },
      cpuMs: { what: 'CPU a cluster, ms', better: 'less' },
      aloneMs: { what: '`GET options` alone: p99, ms', better: 'less', goal: 1 },
      meanwhileMs: { what: '`GET options` meanwhile: p99, ms', better: 'less', goal: 1 },
    } as const
    return inRounds(bench, servers, kinds, async (server) => {
      const options = `${server.url}/api/v1/options`
      const headers = await session(server, 'somebody')
      const alone = await latenciesWhile(
        options,
        headers,
        new Promise((resolve) => setTimeout(resolve, bench.quick ? 200 : 1000)),
      )
      // Alone, so that the CPU is that of creating.
      const cpuBefore = cpuSeconds(server.processes())
      const seconds = await createClusters(server.url, headers, count)
      const cpu = cpuSeconds(server.processes()) - cpuBefore
      const again = createClusters(server.url, headers, count)
      const meanwhile = await latenciesWhile(options, headers, again)
      await again
      return {
        perSecond: count / seconds,
        cpuMs: (cpu / count) * 1000,
        aloneMs: quantile(alone, 0.99),
        meanwhileMs: quantile(meanwhile, 0.99),
      }
    })
  },
}

/** Seconds that it took. */
async function createClusters(
  url: string,
  headers: { readonly [name: string]: string },
  count: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const begun = performance.now()
  for (let made = 0; made < count; made += 1) {
    const how = { method: 'POST', headers, body: '{"cluster_options": {}}', agent }
    const { status, text } = await ask(`${url}/api/v1/clusters/`, how)
    if (status !== 201) throw new Error(`POST clusters answered ${status}: ${text}`)
  }
  const seconds = (performance.now() - begun) / 1000
  agent.destroy()
  return seconds
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../../test/support/ask.ts'
import { root } from '../bench.ts'
import { session } from '../load.ts'
import { inRounds, type Row } from '../row.ts'
import { kinds, type Server, startServer } from '../servers.ts'

export const ownShare: Row = {
  name: 'own-share',
  title: "The gateway's own share of a cluster's start",
  note: `From \`POST clusters\` to RUNNING as the client waits for it (\`GET ?wait\`), with a scheduler whose first act is its
heartbeat; the life of that process until then is taken off. It runs as a local process in both.`,
  async measure(bench) {
    const servers: { [kind: string]: Server } = {}
    const marks = bench.directory('marks')
    const command = join(root, 'bench/instant_scheduler.py')
    const config = [
      `c.ClusterConfig.scheduler_cmd = ["/usr/bin/python3", "-IS", "${command}"]`,
      `c.ClusterConfig.environment = {"BENCH_MARKS": "${marks}"}`,
    ].join('\n')
    for (const kind of kinds) {
      const directory = bench.directory(kind)
      servers[kind] = await startServer(bench, kind, { backend: 'local', directory, config })
    }
    const figures = { ms: { what: 'time, ms', better: 'less', goal: 1, limit: 100 } } as const
    const samplesEach = bench.quick ? 1 : 3
    return inRounds(bench, servers, figures, async (server) => {
      let total = 0
      for (let at = 0; at < samplesEach; at += 1) total += await share(server, marks)
      return { ms: total / samplesEach }
    })
  },
}

async function share(server: Server, marks: string): Promise<number> {
  const headers = await session(server, 'somebody')
  const url = `${server.url}/api/v1/clusters/`
  const begun = performance.now()
  const made = await ask(url, { method: 'POST', headers, body: '{"cluster_options": {}}' })
  const name: string = JSON.parse(made.text).name
  while ((await statusOf(`${url}${name}?wait`, headers)) === 'PENDING') await delay(500)
  const ms = performance.now() - begun
  const { python } = JSON.parse(readFileSync(join(marks, name), 'utf8'))
  await ask(`${url}${name}`, { method: 'DELETE', headers })
  while ((await statusOf(`${url}${name}`, headers)) === 'STOPPING') await delay(20)
  return ms - python * 1000
}

async function statusOf(url: string, headers: { readonly [name: string]: string }) {
  const { status, text } = await ask(url, { headers })
  if (status !== 200) throw new Error(`${url} answered ${status}: ${text}`)
  const report: { readonly status: string } = JSON.parse(text)
  if (report.status === 'FAILED') throw new Error('the cluster failed')
  return report.status
}

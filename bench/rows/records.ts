import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../../test/support/ask.ts'
import type { Bench } from '../bench.ts'
import { load } from '../load.ts'
import { cpuSeconds, proportionalMegabytes } from '../processes.ts'
import {
  addressesOf,
  clustersOf,
  copyOf,
  type Recorded,
  type Reported,
  recordedDirectory,
} from '../records.ts'
import { type Figure, inRounds, type Row } from '../row.ts'
import { type Server, startServer } from '../servers.ts'
import { startTarget, untilRoute } from '../tunnels.ts'

export const records: Row = {
  name: 'records',
  title: 'Many clusters',
  note: `Running clusters that are records only, one owner for each ten. Start: from the command until a tunnel to the cluster recorded last
answers. Heartbeats: \`wrk -t1 -c32\`, each on a connection of its own, to where schedulers of each server send them. Then heartbeats of all
at the default period of 15 s: CPU as a share of one core, and proportional memory (\`Pss\`) of all processes after it.`,
  async measure(bench) {
    const schedulerPort = await startTarget(bench)
    const reported = { schedulerPort, dashboardPort: schedulerPort }
    const sizes = bench.quick ? [100] : [1_000, 10_000]
    const figures: Figure[] = []
    for (const size of sizes) figures.push(...(await measureSize(bench, size, reported)))
    return figures
  },
}

async function measureSize(bench: Bench, size: number, reported: Reported) {
  const clusters = Array.from({ length: size / 10 }, (_, at) => clustersOf(`user-${at}`, 10)).flat()
  const last = clusters.at(-1)
  if (last === undefined) throw new Error('no clusters')
  const recorded = {
    old: await recordedDirectory(bench, 'old', clusters, reported),
    ours: await recordedDirectory(bench, 'ours', clusters, reported),
  }
  const shown = size.toLocaleString('en')
  const kinds = {
    startMs: { what: `${shown} clusters: start to the last route, ms`, better: 'less', goal: 1 },
    heartbeats: { what: `${shown} clusters: heartbeats a second`, better: 'more', goal: 1 },
    heartbeatCpu: { what: `${shown} clusters: CPU a heartbeat, µs`, better: 'less', goal: 1 },
    periodCpu: {
      what: `${shown} clusters: CPU at the default period, % of a core`,
      better: 'less',
      goal: 1,
    },
    memory: { what: `${shown} clusters: memory of all processes, MB`, better: 'less', goal: 1 },
  } as const
  return inRounds(bench, recorded, kinds, async (prepared, name) => {
    const kind = name === 'old' ? 'old' : 'ours'
    const directory = copyOf(bench, prepared)
    writeFileSync(join(directory, 'log'), '')
    const begun = performance.now()
    const server = await startServer(bench, kind, { backend: 'idle', directory })
    await untilRoute(bench, server.port, last.name)
    const startMs = performance.now() - begun
    const beats = await loadHeartbeats(bench, server, clusters, reported)
    const periodCpu = await cpuAtPeriod(bench, server, clusters, reported)
    const memory = proportionalMegabytes(server.processes())
    await server.stop()
    return {
      startMs,
      heartbeats: beats.perSecond,
      heartbeatCpu: beats.cpuMicroseconds,
      periodCpu,
      memory,
    }
  })
}

function heartbeatOf(reported: Reported): string {
  const { scheduler, dashboard, api } = addressesOf(reported)
  return JSON.stringify({
    scheduler_address: scheduler,
    dashboard_address: dashboard,
    api_address: api,
    count: 0,
    active_workers: [],
    closing_workers: [],
    closed_workers: [],
  })
}

async function loadHeartbeats(
  bench: Bench,
  server: Server,
  clusters: readonly Recorded[],
  reported: Reported,
) {
  const data = join(server.directory, 'heartbeats')
  const lines = clusters.map(({ name, token }) => `/api/v1/clusters/${name}/heartbeat ${token}`)
  writeFileSync(data, `${[heartbeatOf(reported), ...lines].join('\n')}\n`)
  return load(bench, server, server.schedulersUrl, { script: 'wrk-heartbeats.lua', data })
}

const periodSeconds = 15

async function cpuAtPeriod(
  bench: Bench,
  server: Server,
  clusters: readonly Recorded[],
  reported: Reported,
): Promise<number> {
  const seconds = bench.quick ? 1 : 5
  const body = heartbeatOf(reported)
  const before = cpuSeconds(server.processes())
  const begun = performance.now()
  const under: Promise<void>[] = []
  const total = Math.round((clusters.length / periodSeconds) * seconds)
  for (let sent = 0; sent < total; sent += 1) {
    const dueMs = (sent / total) * seconds * 1000
    const early = dueMs - (performance.now() - begun)
    if (early > 1) await delay(early)
    const { name = '', token = '' } = clusters[sent % clusters.length] ?? {}
    under.push(beat(`${server.schedulersUrl}/v1/clusters/${name}/heartbeat`, token, body))
  }
  await Promise.all(under)
  const took = (performance.now() - begun) / 1000
  return ((cpuSeconds(server.processes()) - before) / Math.max(took, seconds)) * 100
}

async function beat(url: string, token: string, body: string): Promise<void> {
  const headers = { authorization: `token ${token}`, connection: 'close' }
  const { status } = await ask(url, { method: 'POST', headers, body })
  if (status !== 200) throw new Error(`a heartbeat was answered ${status}`)
}

import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Change, Cluster, Logger } from '../src/core/index.ts'
import { openStore } from '../src/store/index.ts'
import { randomHex } from '../src/util/index.ts'
import { ask } from '../test/support/ask.ts'
import { type Bench, giveToServers, oldPython, takeFromServers } from './bench.ts'
import { asUser } from './load.ts'
import { databaseKey, databaseOf, type Kind, startServer } from './servers.ts'

/** A running cluster that is a record only. */
export interface Recorded {
  readonly name: string
  readonly username: string
  readonly token: string
}

/** What all of them reported as their own. */
export interface Reported {
  readonly schedulerPort: number
  readonly dashboardPort: number
}

/** `count` running clusters of one user, to be recorded by both servers. */
export function clustersOf(username: string, count: number): readonly Recorded[] {
  return Array.from({ length: count }, () => ({
    name: randomHex(16),
    username,
    token: randomHex(16),
  }))
}

/** A directory in which a server finds these clusters: copies of one that it has itself recorded. */
export async function recordedDirectory(
  bench: Bench,
  kind: Kind,
  clusters: readonly Recorded[],
  reported: Reported,
): Promise<string> {
  const directory = bench.directory(`${kind}-${randomHex(4)}`)
  const server = await startServer(bench, kind, { backend: 'idle', directory })
  const url = `${server.url}/api/v1/clusters/`
  const made = await ask(url, { method: 'POST', headers: asUser('model'), body: '{}' })
  if (made.status !== 201) throw new Error(`${kind}: POST clusters answered ${made.status}`)
  await server.stop()
  takeFromServers(directory)
  if (kind === 'ours') await copyOurs(directory, clusters, reported)
  else copyOld(directory, clusters, reported)
  giveToServers(directory)
  return directory
}

/** A copy, for a start that is to find everything as it was. */
export function copyOf(bench: Bench, directory: string): string {
  const copy = bench.directory(randomHex(4))
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  giveToServers(copy)
  return copy
}

async function copyOurs(directory: string, clusters: readonly Recorded[], reported: Reported) {
  const store = await openStore({
    url: `sqlite:///${databaseOf(directory)}`,
    encryptKeys: [databaseKey],
    workingDirectory: directory,
    logger: silent,
    debug: false,
  })
  try {
    const [model] = (await store.load()).clusters
    if (model === undefined) throw new Error('our server has not recorded the cluster')
    const changes = clusters.map(
      (each): Change => ({
        put: 'cluster',
        cluster: runningCopy(model, each, reported),
      }),
    )
    changes.push({ remove: 'cluster', clusterName: model.name })
    for (let at = 0; at < changes.length; at += 500) await store.commit(changes.slice(at, at + 500))
  } finally {
    await store.close()
  }
}

function runningCopy(model: Cluster, wanted: Recorded, reported: Reported): Cluster {
  return {
    ...model,
    ...wanted,
    status: 'running',
    attempt: { id: randomHex(8), createdAt: model.startTime, handle: {}, runningSince: null },
    addresses: addressesOf(reported),
  }
}

export function addressesOf({ schedulerPort, dashboardPort }: Reported) {
  return {
    scheduler: `tls://127.0.0.1:${schedulerPort}`,
    dashboard: `http://127.0.0.1:${dashboardPort}`,
    api: `http://127.0.0.1:${dashboardPort}`,
  }
}

function copyOld(directory: string, clusters: readonly Recorded[], reported: Reported): void {
  const input = {
    url: `sqlite:///${databaseOf(directory)}`,
    key: databaseKey,
    addresses: addressesOf(reported),
    clusters,
  }
  execFileSync(oldPython, [join(import.meta.dirname, 'copy_records.py')], {
    input: JSON.stringify(input),
    timeout: 120_000,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
}

const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silent,
}

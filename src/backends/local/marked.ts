import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listProcesses, ownerOf, startVariable } from '../../util/index.ts'
import type { Marked } from '../backend-driver.ts'
import { clustersOfRoot } from './clusters-root.ts'
import { markerVariable } from './survey.ts'

/** Where clusters' directories may lie: where it is set, else where `prepareClustersRoot` puts them. */
export interface MarkedPlaces {
  readonly configured: string | null
  readonly stateDirectory: string
}

/** Whatever carries the mark of any gateway here, as far as this account may see. Touches nothing. */
export async function findMarked(places: MarkedPlaces): Promise<readonly Marked[]> {
  const roots =
    places.configured === null
      ? [join(places.stateDirectory, 'clusters'), ...(await rootsOfRoot())]
      : [places.configured]
  const directories = await Promise.all(roots.map(directoriesIn))
  return [...(await markedProcesses()), ...directories.flat()]
}

async function markedProcesses(): Promise<readonly Marked[]> {
  const found: Marked[] = []
  for (const { pid, ended } of await listProcesses()) {
    if (ended) continue
    const text = startVariable(pid, markerVariable) ?? ''
    const [, instanceId, attemptId, clusterName] =
      /^([0-9a-f]{32})\/(\w+)\/([\w-]+)$/.exec(text) ?? []
    if (instanceId === undefined || attemptId === undefined || clusterName === undefined) continue
    found.push({ what: `process ${pid}`, owner: ownerOf(pid), instanceId, attemptId, clusterName })
  }
  return found
}

/** Where gateways that are root keep them. Others may pass through, but not list what is there. */
async function rootsOfRoot(): Promise<readonly string[]> {
  const names = await readdir(clustersOfRoot).catch(() => [])
  return names.map((name) => join(clustersOfRoot, name))
}

async function directoriesIn(root: string): Promise<readonly Marked[]> {
  const found: Marked[] = []
  for (const name of await readdir(root).catch(() => [])) {
    const [, instanceId, clusterName] = /^dg-([0-9a-f]{32})-([\w-]+)$/.exec(name) ?? []
    if (instanceId === undefined || clusterName === undefined) continue
    const path = join(root, name)
    const owner = await stat(path).then(
      (info) => info.uid,
      () => null,
    )
    found.push({ what: `directory ${path}`, owner, instanceId, attemptId: null, clusterName })
  }
  return found
}

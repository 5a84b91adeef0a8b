import { readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listProcesses, ownerOf, startVariable } from '../../util/index.ts'
import type { Marked } from '../backend-driver.ts'
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
      ? [join(places.stateDirectory, 'clusters'), ...(await sharedRoots())]
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

async function sharedRoots(): Promise<readonly string[]> {
  const names = await readdir(tmpdir()).catch(() => [])
  return names
    .filter((name) => /^dask-gateway-[0-9a-f]{32}$/.test(name))
    .map((name) => join(tmpdir(), name))
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

import { fstatSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  close,
  closeToOthers,
  createIn,
  type Directory,
  emptyDirectory,
  lookIn,
  makeIn,
  namesIn,
  openDirectory,
  openFileIn,
  openIn,
  removeDirectoryIn,
  unlinkIn,
} from './directory.ts'
import { LauncherFailure, systemCode, systemWords } from './failure.ts'
import type { Identity } from './identity.ts'
import type { LauncherLimits } from './launcher-limits.ts'

// A cluster's staging directory is ROOT/CLUSTER: the user's own, 0700, with a marker in it that says that the launcher made
// it. Jobs read their certificate and token there by its path; so nobody else may be able to put something else in
// the place of any directory of that path.

export interface StagingDirectory {
  readonly path: string
  readonly root: Directory
  readonly directory: Directory
  readonly cluster: string
  /** Whether this call made it. */
  readonly isNew: boolean
}

const marker = '.dask-gateway-staging'
const markerText = (cluster: string) => `made by dask-gateway-jobqueue-launcher for ${cluster}\n`

/** The root with the user's fields filled in; refuses what could be read in two ways. */
export function stagingRoot(
  template: string,
  identity: Identity,
  limits: LauncherLimits | null,
): string {
  const fill = (text: string) =>
    text
      .replace(/\{(home|username)\}/g, (_, field) =>
        field === 'home' ? identity.home : identity.name,
      )
      .replace(/(?<=.)\/+$/, '')
  const root = fill(template)
  const allowed = limits?.staging_roots?.map(fill)
  if (allowed !== undefined && !allowed.includes(root))
    throw new LauncherFailure(
      'refused',
      `launcher.json allows no staging in ${root}, only in ${allowed.join(', ')}`,
    )
  const parts = root.split('/').slice(1)
  // Slurm gives a backslash in a file name a meaning of its own.
  const isPlain = root.startsWith('/') && root.length <= 1024 && !/[\p{Cc}\\{}]/u.test(root)
  if (!isPlain || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new LauncherFailure(
      'refused',
      `The staging directory ${JSON.stringify(root)} must be an absolute path without "..", with no fields but {home} and {username}`,
    )
  return root
}

/** Opens the staging directory, and makes it and its parents when they are missing. `close`: see `openStaging`. */
export function makeStaging(
  path: string,
  cluster: string,
  identity: Identity,
  close = false,
): StagingDirectory {
  const root = openRoot(path, identity, true)
  // Unreachable: with `make` a missing one is made or an error.
  if (root === null) throw new LauncherFailure('staging', `${path} is missing`)
  const isNew = telling(`${path}/${cluster} cannot be made`, () => makeIn(root, cluster))
  const directory = openCluster(path, root, cluster, identity, close)
  const staging = { path: `${path}/${cluster}`, root, directory, cluster, isNew }
  checkOwn(staging, identity)
  // Empty: the launcher that made it was killed there and then.
  if (!hasMarker(staging, identity) && namesIn(directory).length === 0)
    telling(`Nothing can be written to ${staging.path}`, () =>
      createIn(directory, marker, markerText(cluster)),
    )
  else checkMarker(staging, identity)
  return staging
}

/** Null: there is none. `close`: one that its owner has opened to others is closed to them again, rather than refused. */
export function openStaging(
  path: string,
  cluster: string,
  identity: Identity,
  close = false,
): StagingDirectory | null {
  const root = openRoot(path, identity, false)
  if (root === null || lookIn(root, cluster) === null) return null
  const directory = openCluster(path, root, cluster, identity, close)
  const staging = { path: `${path}/${cluster}`, root, directory, cluster, isNew: false }
  checkOwn(staging, identity)
  if (namesIn(directory).length > 0) checkMarker(staging, identity)
  return staging
}

function openCluster(
  path: string,
  root: Directory,
  cluster: string,
  { uid }: Identity,
  close: boolean,
): Directory {
  return telling(`${path}/${cluster} cannot be used`, () => {
    const opened = openIn(root, cluster)
    return close && opened.stats.uid === uid ? closeToOthers(opened) : opened
  })
}

/** The marker goes last, so that a removal that is killed can be asked for again. */
export function removeStaging({ path, root, directory, cluster }: StagingDirectory): void {
  telling(`${path} cannot be removed`, () => {
    emptyDirectory(directory, marker)
    if (lookIn(directory, marker) !== null) unlinkIn(directory, marker)
    removeDirectoryIn(root, cluster)
  })
}

/** Whether there is nothing in it but what every staging directory has. */
export function isBare({ directory }: StagingDirectory): boolean {
  return namesIn(directory).every((name) => name === marker)
}

/** Whether the root could be used or made; throws the reason when not. Makes nothing. */
export function checkRoot(path: string, identity: Identity): void {
  for (let part = path; ; part = dirname(part)) {
    const root = openRoot(part, identity, false)
    if (root === null) continue
    const mine = root.stats.uid === identity.uid ? 0o300 : 0o003
    if ((root.stats.mode & mine) !== mine)
      throw new LauncherFailure('staging', `${identity.name} cannot write to ${part}`)
    close(root)
    return
  }
}

function openRoot(path: string, identity: Identity, make: boolean): Directory | null {
  const parts = path.split('/').filter((part) => part !== '')
  let here = openDirectory('/')
  let herePath = ''
  for (const [index, name] of parts.entries()) {
    const next = `${herePath}/${name}`
    const stats = telling(`${next} cannot be reached`, () => lookIn(here, name))
    if (stats === null && !make) return null
    // A link that root has made (/home to another disk) leads on; one of the user's, or in the root's own place, does not.
    if (stats?.isSymbolicLink() && stats.uid === 0 && index < parts.length - 1) {
      const real = telling(`${next} cannot be followed`, () => realpathSync(next))
      return openRoot(join(real, ...parts.slice(index + 1)), identity, make)
    }
    if (stats === null) telling(`${next} cannot be made`, () => makeIn(here, name))
    const opened = telling(`${next} cannot be used`, () => openIn(here, name))
    close(here)
    checkSafe(next, opened, identity)
    here = opened
    herePath = next
  }
  return here
}

/** Sticky (as /tmp): others may add names there, but neither remove nor rename what is not theirs. */
function checkSafe(path: string, { stats }: Directory, identity: Identity): void {
  if (stats.uid !== 0 && stats.uid !== identity.uid)
    throw new LauncherFailure(
      'staging',
      `${path} belongs to uid ${stats.uid}, who could put other files in the place of the cluster's; it must be root's or ${identity.name}'s`,
    )
  if ((stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0)
    throw new LauncherFailure(
      'staging',
      `${path} can be written by others than its owner (mode ${octal(stats.mode)}), who could put other files in the place of the cluster's; chmod go-w ${path}, or set another staging directory`,
    )
}

function checkOwn({ path, directory: { stats } }: StagingDirectory, identity: Identity): void {
  if (stats.uid !== identity.uid)
    throw new LauncherFailure(
      'staging',
      `${path} belongs to uid ${stats.uid}, not to ${identity.name}`,
    )
  if ((stats.mode & 0o077) !== 0)
    throw new LauncherFailure(
      'staging',
      `${path} is open to others (mode ${octal(stats.mode)}); chmod 0700 ${path}`,
    )
}

function checkMarker(staging: StagingDirectory, identity: Identity): void {
  if (!hasMarker(staging, identity))
    throw new LauncherFailure(
      'staging',
      `${staging.path} was not made by the launcher: its marker, ${marker}, is not in it`,
    )
}

function hasMarker({ directory, cluster }: StagingDirectory, identity: Identity): boolean {
  const expected = Buffer.from(markerText(cluster))
  const found = readOwnFile(directory, marker, identity, (descriptor, size) =>
    size === expected.length ? readFileSync(descriptor) : Buffer.alloc(0),
  )
  return found?.equals(expected) ?? false
}

/** Reads a regular file of the user's, and nothing else; null: there is none such. */
export function readOwnFile<T>(
  directory: Directory,
  name: string,
  identity: Identity,
  read: (descriptor: number, sizeBytes: number) => T,
): T | null {
  const descriptor = openOrNull(directory, name)
  if (descriptor === null) return null
  try {
    const stats = fstatSync(descriptor)
    return stats.isFile() && stats.uid === identity.uid ? read(descriptor, stats.size) : null
  } finally {
    close({ descriptor })
  }
}

function openOrNull(directory: Directory, name: string): number | null {
  try {
    return openFileIn(directory, name)
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes(systemCode(error))) return null
    throw new LauncherFailure('staging', `${name} cannot be read: ${systemWords(error)}`)
  }
}

/** Runs what touches files, and says of what fails in it what could not be done. */
export function telling<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (systemCode(cause) === '') throw cause
    const isOther = ['ELOOP', 'ENOTDIR'].includes(systemCode(cause))
    const reason = isOther
      ? 'a link or a file stands where a directory must be'
      : systemWords(cause)
    throw new LauncherFailure('staging', `${what}: ${reason}`, { cause })
  }
}

const octal = (mode: number) => (mode & 0o7777).toString(8)

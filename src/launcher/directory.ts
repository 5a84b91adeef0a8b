import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { LauncherFailure, systemCode } from './failure.ts'
import { limits } from './protocol.ts'

// What is done in a directory goes through its open descriptor, as with openat(2), for which Node has no call: /proc/self/fd/N/NAME
// is NAME in that very directory, wherever somebody moves it or whatever he puts in its place meanwhile.

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NONBLOCK, O_NOCTTY } =
  constants
// Not in Node's list; the same number on x86_64 and aarch64. Opens what may be passed through, but not read.
const O_PATH = 0o10000000

export interface Directory {
  readonly descriptor: number
  readonly stats: Stats
}

export function openDirectory(path: string): Directory {
  const descriptor = openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  return { descriptor, stats: fstatSync(descriptor) }
}

export function close({ descriptor }: Pick<Directory, 'descriptor'>): void {
  closeSync(descriptor)
}

export function pathIn({ descriptor }: Directory, name: string): string {
  return `/proc/self/fd/${descriptor}/${name}`
}

export function openIn(directory: Directory, name: string): Directory {
  return openDirectory(pathIn(directory, name))
}

/** False: something of that name is there. */
export function makeIn(directory: Directory, name: string): boolean {
  try {
    mkdirSync(pathIn(directory, name), { mode: 0o700 })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Null: there is none. Never follows a link. */
export function lookIn(directory: Directory, name: string): Stats | null {
  return lstatSync(pathIn(directory, name), { throwIfNoEntry: false }) ?? null
}

/** Makes a file that was not there, 0600. */
export function createIn(directory: Directory, name: string, content: string): void {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
  const descriptor = openSync(pathIn(directory, name), flags, 0o600)
  try {
    writeFileSync(descriptor, content)
  } finally {
    closeSync(descriptor)
  }
}

/** Opens a file for reading, without waiting for a pipe's other end and without following a link. */
export function openFileIn(directory: Directory, name: string): number {
  return openSync(pathIn(directory, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
}

export function renameIn(directory: Directory, from: string, to: string): void {
  renameSync(pathIn(directory, from), pathIn(directory, to))
}

export function namesIn(directory: Directory): string[] {
  return readdirSync(pathIn(directory, '.'))
}

export function unlinkIn(directory: Directory, name: string): void {
  unlinkSync(pathIn(directory, name))
}

export function removeDirectoryIn(directory: Directory, name: string): void {
  rmdirSync(pathIn(directory, name))
}

/**
 * Removes all that is in a directory but the file `last`, and follows no link. Folders in it are first moved up into it, so
 * that a path of any depth takes no more than two descriptors.
 */
export function emptyDirectory(top: Directory, last: string): void {
  const lastMs = Date.now() + limits.defaultLimitMs
  for (;;) {
    if (Date.now() > lastMs)
      throw new LauncherFailure(
        'staging',
        'It fills faster than it can be emptied; is a job still running?',
      )
    const names = namesIn(top).filter((name) => name !== last)
    if (names.length === 0) return
    for (const name of names)
      if (lookIn(top, name)?.isDirectory()) removeFlattened(top, name)
      else unlinkIn(top, name)
  }
}

/** Moves the folders in this one up, and removes it. */
function removeFlattened(top: Directory, name: string): void {
  const folder = openIn(top, name)
  try {
    openToOwner(folder)
    for (const entry of namesIn(folder)) {
      if (!lookIn(folder, entry)?.isDirectory()) {
        unlinkIn(folder, entry)
        continue
      }
      const inner = openIn(folder, entry)
      openToOwner(inner)
      close(inner)
      renameSync(pathIn(folder, entry), pathIn(top, `.removed-${process.hrtime.bigint()}`))
    }
  } finally {
    close(folder)
  }
  removeDirectoryIn(top, name)
}

/** One of the process's own, with what it then is. */
export function closeToOthers(directory: Directory): Directory {
  const { descriptor, stats } = directory
  if ((stats.mode & 0o077) === 0) return directory
  chmodSync(`/proc/self/fd/${descriptor}`, 0o700)
  return { descriptor, stats: fstatSync(descriptor) }
}

/** A directory that its owner has closed to himself cannot be emptied or moved. */
function openToOwner({ descriptor, stats }: Directory): void {
  if ((stats.mode & 0o700) !== 0o700) chmodSync(`/proc/self/fd/${descriptor}`, 0o700)
}

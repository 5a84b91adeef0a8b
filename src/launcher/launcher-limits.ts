import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { LauncherFailure, systemCode, systemWords } from './failure.ts'
import { allCommandNames } from './find-command.ts'
import { distrust } from './trusted-path.ts'

export const limitsFile = '/etc/dask-gateway/launcher.json'

/** What root allows the launcher, beyond its own rules. Absent: all that these allow. docs/launcher.md explains each. */
export interface LauncherLimits {
  readonly commands?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
  readonly queues?: readonly string[]
  readonly extra_arguments?: readonly string[]
  readonly staging_roots?: readonly string[]
}

/**
 * Reads the file, null when there is none. The path is fixed, and a file that others than root could have written, or that
 * cannot be read or understood, ends the call: a limit that is there must not be lost.
 */
export function readLimits(path: string = limitsFile): LauncherLimits | null {
  const refuse = (why: string) => new LauncherFailure('refused', `${path} ${why}`)
  let descriptor: number
  try {
    descriptor = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    )
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    if (systemCode(error) === 'ELOOP') throw refuse('is a link; it must be a file of root')
    throw refuse(
      `may limit the launcher, but cannot be read: ${systemWords(error)}. Let everybody reach it: chmod 0711 its directory, chmod 0644 the file`,
    )
  }
  try {
    const stats = fstatSync(descriptor)
    const fault = distrust(path)
    if (!stats.isFile()) throw refuse('is no regular file')
    if (stats.uid !== 0 || (stats.mode & 0o022) !== 0)
      throw refuse('must belong to root and be writable by nobody else')
    if (fault !== null) throw refuse(`cannot be trusted: ${fault}`)
    if (stats.size > 1024 * 1024) throw refuse('is longer than 1 MiB')
    return parse(readFileSync(descriptor, 'utf8'), refuse)
  } finally {
    closeSync(descriptor)
  }
}

function parse(text: string, refuse: (why: string) => Error): LauncherLimits {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw refuse(`is not JSON: ${String(error)}`)
  }
  if (!isRecord(json)) throw refuse('must hold one object')
  for (const [key, value] of Object.entries(json)) {
    const isRight = shapes[key as keyof LauncherLimits]
    if (isRight === undefined)
      throw refuse(`holds ${key}, which is none of ${Object.keys(shapes).join(', ')}`)
    if (!isRight(value)) throw refuse(`: ${key} is not as docs/launcher.md says`)
  }
  return json
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown) => typeof value === 'string' && !/[\0\n]/.test(value)
const isList = (value: unknown) => Array.isArray(value) && value.every(isText)

const shapes: Readonly<Record<keyof LauncherLimits, (value: unknown) => boolean>> = {
  commands: (value) =>
    isRecord(value) &&
    Object.entries(value).every(
      ([name, path]) =>
        allCommandNames.includes(name) && isText(path) && String(path).startsWith('/'),
    ),
  environment: (value) => isRecord(value) && Object.values(value).every(isText),
  queues: isList,
  extra_arguments: isList,
  staging_roots: isList,
}

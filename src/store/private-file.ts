import { chmodSync, closeSync, constants, lstatSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { GatewayError, messageOf } from '../core/index.ts'

/**
 * Makes an empty file for the owner alone (0600), or sees to it that the one that is there is such a file. SQLite gives
 * its side files (-wal, -shm, -journal) the mode of the file itself.
 */
export function createPrivateFile(path: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  try {
    closeSync(openSync(path, flags, 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new GatewayError(
        'configuration',
        `${path} cannot be made: ${messageOf(cause)}. The gateway writes in the directory of DBBackendBase.db_url, ${dirname(path)}: give its user the right, or name another.`,
        { cause },
      )
    makePrivate(path, 'file')
  }
}

/** The same for a directory (0700). */
export function createPrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new GatewayError(
        'configuration',
        `The directory ${path} cannot be made: ${messageOf(cause)}.`,
        { cause },
      )
    makePrivate(path, 'directory')
  }
}

/** Refuses what is somebody else's or no such thing; takes group's and others' permissions away. */
export function makePrivate(path: string, kind: 'file' | 'directory'): void {
  const stats = lstatSync(path)
  if (!(kind === 'file' ? stats.isFile() : stats.isDirectory()))
    throw new GatewayError('configuration', `${path} is no regular ${kind}. Move it away.`)
  const mine = process.geteuid?.()
  if (mine !== undefined && stats.uid !== mine)
    throw new GatewayError(
      'configuration',
      `${path} belongs to user id ${stats.uid}, but the gateway runs as user id ${mine}. Run it as that user, or "chown" what is the gateway's.`,
    )
  if ((stats.mode & 0o077) === 0) return
  try {
    chmodSync(path, stats.mode & 0o700)
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `${path} may be read by others, and that cannot be changed: ${messageOf(cause)}.`,
      { cause },
    )
  }
}

import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, type Logger, messageOf } from '../../core/index.ts'
import { type HtpasswdUsers, parseHtpasswd } from './parse-htpasswd.ts'

export interface HtpasswdFile {
  /** As the file was when it was last in order. */
  users(): HtpasswdUsers
  /** Reads it and begins to watch it. Throws 'configuration' in a sentence. */
  start(): Promise<void>
  /** Reads it now; throws as `start`, and goes on with what it had. */
  reload(): Promise<void>
  stop(): void
}

const maxBytes = 4 * 1024 * 1024
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A file of users, read again when it has changed and then been left alone for `lookEveryMs`: not while it is being written. */
export function openHtpasswdFile(
  givenPath: string,
  logger: Logger,
  lookEveryMs = 1000,
): HtpasswdFile {
  const path = resolve(givenPath)
  let users: HtpasswdUsers = new Map()
  let read = ''
  let seen = ''
  let timer: NodeJS.Timeout | null = null

  async function load(): Promise<void> {
    try {
      const stamp = await stampOf(path)
      users = parseHtpasswd(utf8.decode(await readFile(path)))
      read = stamp
    } catch (cause) {
      throw new GatewayError(
        'configuration',
        `SimpleAuthenticator.htpasswd_file: ${path} cannot be used: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  async function look(): Promise<void> {
    const stamp = await stampOf(path).catch(messageOf)
    const isStill = stamp === seen
    seen = stamp
    if (!isStill || stamp === read) return
    read = stamp
    try {
      await load()
      logger.info('The file of users has been read anew', { path, users: users.size })
    } catch (error) {
      logger.error(`${messageOf(error)}; the users of before stay`)
    }
  }

  function lookLater(): void {
    timer = setTimeout(() => void look().finally(() => timer !== null && lookLater()), lookEveryMs)
    timer.unref()
  }

  return {
    users: () => users,
    async start() {
      await load()
      if (((await stat(path)).mode & 0o007) !== 0)
        logger.warn(`Everybody on this machine may read the hashes of passwords: chmod 640 ${path}`)
      logger.info('Users log in by a file', { path, users: users.size })
      lookLater()
    },
    reload: load,
    stop() {
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}

/** Another text when the file is another, or has been written. */
async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs, dev, isFile } = await statOf(path)
  if (!isFile) throw new Error('it is no file')
  if (size > maxBytes) throw new Error('it is larger than 4 MiB')
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

async function statOf(path: string) {
  const found = await stat(path, { bigint: true })
  const { ino, size, mtimeNs, ctimeNs, dev } = found
  return { ino, size, mtimeNs, ctimeNs, dev, isFile: found.isFile() }
}

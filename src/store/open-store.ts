import { existsSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { GatewayError, type Logger, messageOf, type Store } from '../core/index.ts'
import { parseDatabaseUrl } from './database-url.ts'
import {
  keyFileOf,
  secretBoxOfFile,
  secretBoxOfMemory,
  secretBoxOfSettings,
} from './encryption-keys.ts'
import { networkFileSystemOf } from './file-system.ts'
import { type HolderLock, lockFileOf, takeHolderLock } from './holder-lock.ts'
import { type DatabaseOwner, databaseBeside, ownerOf } from './old-server.ts'
import { createPrivateDirectory, createPrivateFile, makePrivate } from './private-file.ts'
import { openDatabase } from './sqlite-database.ts'

export interface StoreOptions {
  /** `DBBackendBase.db_url`. */
  readonly url: string
  /** `DBBackendBase.db_encrypt_keys`, else those of DASK_GATEWAY_ENCRYPT_KEYS; null or empty: a key file beside the database. */
  readonly encryptKeys: readonly string[] | null
  /** What a relative path in `url` starts from. */
  readonly workingDirectory: string
  readonly logger: Logger
  /** Whether to log the text of every statement (never its values). */
  readonly debug: boolean
}

/**
 * Opens the records, or makes them. Throws 'configuration' with a sentence when they cannot be used as they are, and
 * has then changed nothing in them. Called once, at the start; `close` lets the next gateway in.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const url = parseDatabaseUrl(options.url, options.workingDirectory)
  return url.kind === 'memory' ? openMemory(options) : openFile(url.path, options)
}

async function openMemory(options: StoreOptions): Promise<Store> {
  const stateDirectory = temporaryDirectory()
  const release = () => rmSync(stateDirectory, { recursive: true, force: true })
  return releasedOnFailure(release, () =>
    openDatabase({
      ...options,
      path: null,
      name: 'in memory',
      stateDirectory,
      release,
      secretsFor: secretBoxOfMemory,
    }),
  )
}

function temporaryDirectory(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'dask-gateway-'))
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `No directory can be made in ${tmpdir()} (TMPDIR), where a gateway whose DBBackendBase.db_url is in memory keeps its files: ${messageOf(cause)}.`,
      { cause },
    )
  }
}

async function openFile(askedPath: string, options: StoreOptions): Promise<Store> {
  const resolved = resolveLinks(askedPath)
  checkDirectory(dirname(resolved), options.logger)
  const { path, lock } = takeDatabase(resolved, options.logger)
  const release = () => lock.release()
  return releasedOnFailure(release, () => {
    const keyFile = keyFileOf(path)
    for (const file of [path, `${path}-wal`, `${path}-shm`])
      if (existsSync(file)) makePrivate(file, 'file')
    const stateDirectory = `${path}.d`
    return openDatabase({
      ...options,
      path,
      name: path,
      stateDirectory,
      release,
      secretsFor(hasSecrets) {
        const given = options.encryptKeys ?? []
        return given.length > 0
          ? secretBoxOfSettings(given, keyFile)
          : secretBoxOfFile(keyFile, !hasSecrets)
      },
      beforeFirstWrite() {
        createPrivateFile(path)
        createPrivateDirectory(stateDirectory)
      },
    })
  })
}

/** The same database by two names must have one lock and one key file. */
export function resolveLinks(path: string): string {
  try {
    if (existsSync(path)) return realpathSync(path)
    return join(realpathSync(dirname(path)), path.slice(dirname(path).length))
  } catch (cause) {
    throw new GatewayError(
      'configuration',
      `The directory of the database ${path} cannot be used: ${messageOf(cause)}. Make it, or name another file in DBBackendBase.db_url.`,
      { cause },
    )
  }
}

function checkDirectory(directory: string, logger: Logger): void {
  const network = networkFileSystemOf(directory)
  if (network !== null)
    throw new GatewayError(
      'configuration',
      `The database cannot be in ${directory}: that is a network file system (${network}), where SQLite's write-ahead log and locks do not hold. Set DBBackendBase.db_url to a file on a local disk of this host.`,
    )
  const { mode } = statSync(directory)
  const sticky = (mode & 0o1000) !== 0
  if ((mode & 0o022) !== 0 && !sticky)
    logger.warn(
      `The directory of the database, ${directory}, can be written by other users, who may so replace the database. "chmod go-w" it.`,
    )
}

/**
 * Finds the file that is to be ours and makes us its only gateway. A lock file tells that a gateway of ours has been
 * here, and then the lock comes before any look into the database.
 */
function takeDatabase(asked: string, logger: Logger): { path: string; lock: HolderLock } {
  const lock = existsSync(lockFileOf(asked)) ? takeHolderLock(asked) : null
  return releasedOnFailure(
    () => lock?.release(),
    () => {
      const found = ownerOf(asked)
      if (found.owner !== 'old server') return { path: asked, lock: lock ?? takeHolderLock(asked) }
      lock?.release()
      const beside = databaseBeside(asked)
      logger.warn(besideWarning(asked, beside, found), { clusters: found.liveClusters })
      return takeDatabase(beside, logger)
    },
  )
}

function besideWarning(
  asked: string,
  beside: string,
  { liveClusters }: Extract<DatabaseOwner, { owner: 'old server' }>,
): string {
  const list = liveClusters.map((each) => `${each.name} (user ${each.username}, ${each.status})`)
  const live =
    list.length === 0
      ? 'It records no live cluster.'
      : `Its live clusters are not managed here; stop them with the old server: ${list.join(', ')}.`
  return `${asked} is a database of the old dask-gateway-server and stays as it is; the records of this one are in ${beside}. ${live}`
}

/** Runs `work`; what was taken for it is released when it throws or rejects. */
function releasedOnFailure<T>(release: () => void, work: () => T): T {
  try {
    const result = work()
    if (!(result instanceof Promise)) return result
    return result.catch((error) => {
      release()
      throw error
    }) as T
  } catch (error) {
    release()
    throw error
  }
}

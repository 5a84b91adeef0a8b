import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import {
  chmod,
  type FileHandle,
  lchown,
  lstat,
  mkdir,
  open,
  rename,
  rm,
  rmdir,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cluster, GatewayError, type LogPiece, type SecretPaths } from '../../core/index.ts'
import { randomHex } from '../../util/index.ts'
import type { Account } from '../account.ts'
import { isRoot } from './accounts.ts'
import { asOwner } from './as-account.ts'

// A cluster's directory belongs to the gateway. When that is root, clusters run as others, who own `.certs` and `work` only
// (and the files of `logs`): they cannot put a link in the place of any name that root follows, and may pass through what
// is root's, but not list it.
//
//   dg-INSTANCE-CLUSTER/   0700 (root's: 0711); unless root's, the processes' working directory
//     .certs/              dask.crt, dask.pem, token: 0600
//     claims/ATTEMPT       made once, by who begins this attempt or by who rules it out (see claims.ts)
//     logs/                scheduler.log, worker-NAME.log
//     work/                root's only: the working directory, 0700

export interface ClusterDirectory {
  readonly path: string
  readonly certs: string
  readonly claims: string
  readonly logs: string
  readonly work: string
  readonly secrets: SecretPaths
}

/** The paths of a cluster's directory below `root`; nothing is made. */
export function clusterDirectory(
  root: string,
  instanceId: string,
  clusterName: string,
): ClusterDirectory {
  const path = join(root, directoryPrefix(instanceId) + pathSegment(clusterName))
  const certs = join(path, '.certs')
  return {
    path,
    certs,
    claims: join(path, 'claims'),
    logs: join(path, 'logs'),
    work: isRoot() ? join(path, 'work') : path,
    secrets: {
      token: join(certs, 'token'),
      cert: join(certs, 'dask.crt'),
      key: join(certs, 'dask.pem'),
    },
  }
}

export function directoryPrefix(instanceId: string): string {
  return `dg-${instanceId}-`
}

/** Names become parts of paths only when they cannot lead anywhere else. */
export function pathSegment(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) return name
  throw new GatewayError('internal', `${JSON.stringify(name)} cannot be the name of a file`)
}

/** Makes what is missing of the directory, and the files with the secrets of the cluster's current attempt. */
export async function prepareDirectory(
  directory: ClusterDirectory,
  cluster: Cluster,
  account: Account,
): Promise<void> {
  const others = isRoot()
  await makeDirectory(directory.path, others ? 0o711 : 0o700, null)
  for (const path of [directory.logs, directory.claims]) await makeDirectory(path, 0o700, null)
  for (const path of [directory.certs, ...(others ? [directory.work] : [])])
    await makeDirectory(path, 0o700, others ? account : null)
  const { secrets } = directory
  await writeSecret(secrets.cert, cluster.tlsCert, account)
  await writeSecret(secrets.key, cluster.tlsKey, account)
  await writeSecret(secrets.token, cluster.token, account)
}

/** `owner` null: it is the gateway's. */
async function makeDirectory(path: string, mode: number, owner: Account | null): Promise<void> {
  await mkdir(path, { mode }).catch(unless('EEXIST'))
  const info = await lstat(path)
  if (!info.isDirectory()) throw new GatewayError('internal', `${path} is no directory`)
  if (owner === null && info.uid !== process.getuid?.())
    throw new GatewayError('internal', `${path} was made by somebody else (uid ${info.uid})`)
  if (owner !== null) await lchown(path, owner.uid, owner.gid)
  await chmod(path, mode)
}

/** Written aside and renamed: never read half, never through a link, and as often as need be. */
async function writeSecret(path: string, text: string, account: Account): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const aside = `${path}.${randomHex(8)}`
  const file = await open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await file.writeFile(text)
    if (!account.own) await file.chown(account.uid, account.gid)
  } finally {
    await file.close()
  }
  await rename(aside, path)
}

/** The log of a scheduler (`workerName` null) or a worker, to append to. The caller closes it. */
export async function openLog(
  directory: ClusterDirectory,
  workerName: string | null,
  account: Account,
): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  const path = logPath(directory, workerName)
  const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  try {
    if (!(await file.stat()).isFile()) throw new GatewayError('internal', `${path} is no file`)
    // So that a process can open /dev/stderr anew.
    if (!account.own) await file.chown(account.uid, account.gid)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The last bytes of a log; null: there is none, or something else has its name. */
export async function logTail(
  directory: ClusterDirectory,
  workerName: string | null,
  maxBytes: number,
): Promise<Buffer | null> {
  return (await readLog(directory, workerName, null, maxBytes))?.bytes ?? null
}

/** Bytes of a log from `start` on, or its last ones; null: there is none, or something else has its name. */
export async function readLog(
  directory: ClusterDirectory,
  workerName: string | null,
  start: number | null,
  maxBytes: number,
): Promise<LogPiece | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const path = logPath(directory, workerName)
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
    unless('ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'),
  )
  if (file === undefined) return null
  try {
    const info = await file.stat()
    if (!info.isFile()) return null
    const end = Math.max(0, info.size - maxBytes)
    const from = start === null || start > info.size ? end : start
    const buffer = Buffer.alloc(Math.min(maxBytes, info.size - from))
    const { bytesRead } = await file.read({ buffer, position: from })
    return { from, bytes: buffer.subarray(0, bytesRead) }
  } finally {
    await file.close()
  }
}

function logPath(directory: ClusterDirectory, workerName: string | null): string {
  const name = workerName === null ? 'scheduler' : `worker-${pathSegment(workerName)}`
  return join(directory.logs, `${name}.log`)
}

/** Removes the whole directory, also when a process left folders in it that may not be written. */
export async function removeDirectory(
  directory: ClusterDirectory,
  signal: AbortSignal,
): Promise<void> {
  if (isRoot())
    for (const folder of [directory.work, directory.certs]) await removeAsOwner(folder, signal)
  const remove = () => rm(directory.path, { recursive: true, force: true })
  await remove().catch(async () => {
    const options = { timeout: 60_000, signal }
    await promisify(execFile)('chmod', ['-R', 'u+rwx', '--', directory.path], options)
    // Not by Node: folders can lie so deep that the path of the last is longer than a path may be.
    await promisify(execFile)('rm', ['-rf', '--', directory.path], options)
  })
}

/**
 * What belongs to an account is removed by its owner: were it done by root, a process could put a link in the way. Who that
 * is, the folder itself says, as its parent is root's. Then it is empty, or `rmdir` fails.
 */
async function removeAsOwner(folder: string, signal: AbortSignal): Promise<void> {
  const owner = await lstat(folder).catch(unless('ENOENT'))
  if (owner === undefined) return
  if (owner.uid !== 0) {
    const script = 'chmod -R u+rwx -- "$1"; rm -rf -- "$1"'
    const [program, ...args] = asOwner(owner, ['/bin/sh', '-c', script, 'sh', folder])
    const options = { timeout: 60_000, signal, env: { PATH: '/usr/bin:/bin' }, cwd: '/' }
    // The folder itself stays, as its parent is not its owner's: hence the status is of no interest.
    await promisify(execFile)(program, args, options).catch((error: unknown) => {
      if (signal.aborted) throw error
    })
  }
  await rmdir(folder).catch(unless('ENOENT'))
}

function unless(...codes: readonly string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

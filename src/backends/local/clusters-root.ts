import { access, constants, lstat, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { GatewayError, messageOf } from '../../core/index.ts'
import type { Account } from './account.ts'

/**
 * Makes and checks the directory that holds the clusters' directories. By default it is in the gateway's own state
 * directory; another account cannot enter that, hence then a directory in the one for temporary files.
 */
export async function prepareClustersRoot(
  configured: string | null,
  stateDirectory: string,
  instanceId: string,
  account: Account,
): Promise<string> {
  const shared = account.name !== null
  const root = resolve(
    configured ??
      (shared ? join(tmpdir(), `dask-gateway-${instanceId}`) : join(stateDirectory, 'clusters')),
  )
  const refuse = (why: string, cause?: unknown) =>
    new GatewayError('configuration', `LocalBackend.clusters_directory = ${root}: ${why}`, {
      cause,
    })
  try {
    if (configured !== null) await mkdir(dirname(root), { recursive: true })
    await mkdir(root, { mode: shared ? 0o711 : 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    await access(root, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw refuse(`cannot be made or written: ${messageOf(error)}`, error)
  }
  const info = await (configured === null ? lstat(root) : stat(root))
  if (!info.isDirectory()) throw refuse('is no directory')
  if (configured === null && info.uid !== process.getuid?.())
    throw refuse('belongs to another account; set it to a directory of your own')
  if ((info.mode & 0o022) !== 0 && (info.mode & 0o1000) === 0)
    throw refuse('others may write there; take that right away (chmod go-w), or name another')
  const closed = shared ? await closedTo(root, account) : null
  if (closed !== null)
    throw refuse(
      `the account ${account.name} cannot enter ${closed}; name a directory it can reach`,
    )
  return root
}

/** The first directory on the way that the account may not enter, by its modes; null: none. */
async function closedTo(path: string, account: Account): Promise<string | null> {
  const parent = dirname(path)
  const above = parent === path ? null : await closedTo(parent, account)
  if (above !== null) return above
  const { uid, gid, mode } = await stat(path)
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
  return (mode & bit) === 0 ? path : null
}

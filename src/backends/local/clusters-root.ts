import { access, chmod, constants, lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { GatewayError, messageOf } from '../../core/index.ts'
import { isRoot } from './accounts.ts'

/** Below it, each gateway that is root has its own. */
export const clustersOfRoot = '/var/lib/dask-gateway-clusters'

/**
 * Where the clusters' directories are when no setting says it: in the gateway's own state directory. Others than root cannot
 * enter that of root; hence then a directory that they can pass through, and that no clean-up of temporary files empties.
 */
export function defaultClustersRoot(stateDirectory: string, instanceId: string): string {
  return isRoot() ? join(clustersOfRoot, instanceId) : join(stateDirectory, 'clusters')
}

/** Makes and checks the directory that holds the clusters' directories; gives its real path. */
export async function prepareClustersRoot(path: string): Promise<string> {
  const wanted = resolve(path)
  const refuse = (why: string, cause?: unknown) =>
    new GatewayError('configuration', `LocalBackend.clusters_directory = ${wanted}: ${why}`, {
      cause,
    })
  let root: string
  try {
    await makeDirectories(wanted)
    root = await realpath(wanted)
    await access(root, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw refuse(`cannot be made or written: ${messageOf(error)}`, error)
  }
  const info = await stat(root)
  if (!info.isDirectory()) throw refuse('is no directory')
  if (isChangeable(info))
    throw refuse('others may write there; take that right away (chmod go-w), or name another')
  if (isRoot())
    for (const each of new Set([...wayTo(wanted), ...wayTo(root)])) {
      const { mode, uid } = await lstat(each)
      const isLink = (mode & constants.S_IFMT) === constants.S_IFLNK
      if (uid !== 0) throw refuse(`${each} is not root's; its owner could put another in its place`)
      if (isLink) continue
      if (isChangeable({ mode })) throw refuse(`others may write in ${each}`)
      if ((mode & 0o001) === 0)
        throw refuse(`users cannot enter ${each}; name a directory that they can reach`)
    }
  return root
}

/** A path and all that are above it. */
function wayTo(path: string): readonly string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [...wayTo(parent), path]
}

/** The last one, and those above it that are missing. Root's are for passing through, whatever umask it has. */
async function makeDirectories(path: string): Promise<void> {
  const mode = isRoot() ? 0o711 : 0o700
  const parent = dirname(path)
  const hasParent = await stat(parent).then(
    () => true,
    () => false,
  )
  if (!hasParent) await makeDirectories(parent)
  try {
    await mkdir(path, { mode })
    await chmod(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Whether others than the owner may replace what is in a directory: not where the sticky bit is set. */
function isChangeable({ mode }: { readonly mode: number }): boolean {
  return (mode & 0o022) !== 0 && (mode & 0o1000) === 0
}

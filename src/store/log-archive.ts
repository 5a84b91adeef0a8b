import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError, type LogArchive } from '../core/index.ts'
import { randomHex } from '../util/index.ts'

const maxLogBytes = 1024 * 1024

/**
 * Logs as files: `<stateDirectory>/logs/<cluster>/<object>.log`, each its last MiB, 0600 in directories of 0700. The names
 * become paths, so only letters, digits and dashes are let through.
 */
export function createLogArchive(stateDirectory: string): LogArchive {
  const logs = join(stateDirectory, 'logs')
  const directoryOf = (clusterName: string) => join(logs, checked(clusterName))
  const fileOf = (clusterName: string, objectName: string) =>
    join(directoryOf(clusterName), `${checked(objectName)}.log`)
  return {
    async put(clusterName, objectName, log) {
      const file = fileOf(clusterName, objectName)
      await mkdir(directoryOf(clusterName), { recursive: true, mode: 0o700 })
      await writeWhole(file, log.subarray(-maxLogBytes))
    },
    get: (clusterName, objectName, maxBytes) => readTail(fileOf(clusterName, objectName), maxBytes),
    async remove(clusterName) {
      await rm(directoryOf(clusterName), { recursive: true, force: true })
    },
  }
}

function checked(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/.test(name)) return name
  throw new GatewayError(
    'internal',
    `A log cannot be kept under the name ${JSON.stringify(name.slice(0, 128))}: letters, digits and dashes only.`,
  )
}

/** Under another name first, so that a reader sees the old log or the new one. */
async function writeWhole(file: string, bytes: Buffer): Promise<void> {
  const draft = `${file}.${randomHex(4)}.new`
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  try {
    const handle = await open(draft, flags, 0o600)
    try {
      await handle.writeFile(bytes)
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function readTail(file: string, maxBytes: number): Promise<Buffer | null> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    // Where clusters run as our own account, something else may have come to bear that name: a pipe would be waited for.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const info = await handle.stat()
    if (!info.isFile()) return null
    const { size } = info
    const length = Math.max(0, Math.min(size, maxBytes))
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(length),
      position: size - length,
    })
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

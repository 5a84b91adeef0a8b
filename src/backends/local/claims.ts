import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '../../core/index.ts'
import { bootId, type ProcessIdentity } from '../../util/index.ts'
import type { Owner } from './as-account.ts'
import { type ClusterDirectory, pathSegment } from './cluster-directory.ts'
import { type Exit, exitOfStatus } from './exit-reason.ts'

// An attempt's claim is a file that is made once (O_EXCL). Whoever makes it decides for ever whether the attempt runs:
// its supervisor, as its first act, writes "PID START-TIME BOOT-ID UID GID"; the gateway, when it gives the attempt up,
// writes "fenced". A supervisor that finds a claim ends without having run anything. Beside the claim, `ATTEMPT.exit` has
// the status with which the command ended.

/** The backend's handle: a supervisor that cannot be mistaken for another process, and whom it runs the command as. */
export interface ProcessHandle extends ProcessIdentity {
  readonly bootId: string
  readonly uid: number
  readonly gid: number
}

export type Claim =
  | { readonly state: 'none' }
  | { readonly state: 'fenced' }
  | { readonly state: 'held'; readonly handle: ProcessHandle }
  /** Made, but not filled: the process that made it is about to, or was killed at that very moment. */
  | { readonly state: 'empty' }

export function claimPath(directory: ClusterDirectory, attemptId: string): string {
  return join(directory.claims, pathSegment(attemptId))
}

export function exitPath(directory: ClusterDirectory, attemptId: string): string {
  return `${claimPath(directory, attemptId)}.exit`
}

export async function readClaim(directory: ClusterDirectory, attemptId: string): Promise<Claim> {
  const text = await readShort(claimPath(directory, attemptId))
  return text === null ? { state: 'none' } : parseClaim(text)
}

/** How the attempt's command ended, as its supervisor wrote it down; null: it has not, or had no time to. */
export async function readExit(
  directory: ClusterDirectory,
  attemptId: string,
): Promise<Exit | null> {
  const [, status] = /^(\d+)\n$/.exec((await readShort(exitPath(directory, attemptId))) ?? '') ?? []
  return status === undefined ? null : exitOfStatus(Number(status))
}

/** When that was written down, milliseconds since the epoch; null: it was not. Whoever runs the cluster can change it. */
export async function exitTime(
  directory: ClusterDirectory,
  attemptId: string,
): Promise<number | null> {
  const found = await lstat(exitPath(directory, attemptId)).catch(() => null)
  return found === null ? null : Math.round(found.mtimeMs)
}

/** The beginning of a file; null: there is none. */
async function readShort(path: string): Promise<string | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0)
      return buffer.toString('latin1', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function parseClaim(text: string): Claim {
  if (text === 'fenced\n') return { state: 'fenced' }
  const [, pid, startTime, boot, uid, gid] =
    /^(\d+) (\d+) ([0-9a-f-]+) (\d+) (\d+)\n$/.exec(text) ?? []
  if (boot === undefined) return { state: 'empty' }
  const identity = { pid: Number(pid), startTime: Number(startTime) }
  return {
    state: 'held',
    handle: { ...identity, bootId: boot, uid: Number(uid), gid: Number(gid) },
  }
}

/** Rules out that the attempt ever starts, unless it has; says which. A cluster without a directory has no claims. */
export async function fence(directory: ClusterDirectory, attemptId: string): Promise<Claim> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  try {
    const path = claimPath(directory, attemptId)
    const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    await file.writeFile('fenced\n').finally(() => file.close())
    return { state: 'fenced' }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return { state: 'none' }
    if (code === 'EEXIST') return readClaim(directory, attemptId)
    throw error
  }
}

export function handleOf(identity: ProcessIdentity, { uid, gid }: Owner): ProcessHandle {
  return { pid: identity.pid, startTime: identity.startTime, bootId: bootId(), uid, gid }
}

/** A handle as the records kept it; null: it is none of ours. */
export function parseHandle(json: Json): ProcessHandle | null {
  if (json === null || typeof json !== 'object' || !('pid' in json)) return null
  const { pid, startTime, bootId: boot, uid, gid } = json
  if (typeof pid !== 'number' || typeof startTime !== 'number' || typeof boot !== 'string')
    return null
  if (typeof uid !== 'number' || typeof gid !== 'number') return null
  return pid > 1 ? { pid, startTime, bootId: boot, uid, gid } : null
}

export function handleJson(handle: ProcessHandle): Json {
  return { ...handle }
}

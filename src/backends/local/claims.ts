import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '../../core/index.ts'
import { bootId, type ProcessIdentity } from '../../util/index.ts'
import { type ClusterDirectory, pathSegment } from './cluster-directory.ts'

// An attempt's claim is a file that is made once (O_EXCL). Whoever makes it decides for ever whether the attempt runs:
// the process itself, as its first act, writes "PID START-TIME BOOT-ID"; the gateway, when it gives the attempt up,
// writes "fenced". A process that finds a claim ends without having run anything.

/** The backend's handle: a process that cannot be mistaken for another. */
export interface ProcessHandle extends ProcessIdentity {
  readonly bootId: string
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

export async function readClaim(directory: ClusterDirectory, attemptId: string): Promise<Claim> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    const file = await open(claimPath(directory, attemptId), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0)
      return parseClaim(buffer.toString('latin1', 0, bytesRead))
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { state: 'none' }
    throw error
  }
}

function parseClaim(text: string): Claim {
  if (text === 'fenced\n') return { state: 'fenced' }
  const [, pid, startTime, boot] = /^(\d+) (\d+) ([0-9a-f-]+)\n$/.exec(text) ?? []
  if (boot === undefined) return { state: 'empty' }
  return {
    state: 'held',
    handle: { pid: Number(pid), startTime: Number(startTime), bootId: boot },
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

export function handleOf(identity: ProcessIdentity): ProcessHandle {
  return { pid: identity.pid, startTime: identity.startTime, bootId: bootId() }
}

/** A handle as the records kept it; null: it is none of ours. */
export function parseHandle(json: Json): ProcessHandle | null {
  if (json === null || typeof json !== 'object' || !('pid' in json)) return null
  const { pid, startTime, bootId: boot } = json
  if (typeof pid !== 'number' || typeof startTime !== 'number' || typeof boot !== 'string')
    return null
  return pid > 1 ? { pid, startTime, bootId: boot } : null
}

export function handleJson(handle: ProcessHandle): Json {
  return { ...handle }
}

import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { bootId, ownerOf, type ProcessIdentity, readProcess, sameProcess } from '../util/index.ts'

/** `proxy.json` in the state directory: the proxy that runs, for a gateway that was killed and comes back. */
export interface ProxyRecord extends ProcessIdentity {
  readonly bootId: string
  readonly controlSocket: string
  /** Of everything the proxy was started with, its token included; it cannot be turned back into it. */
  readonly digest: string
}

const schema: z.ZodType<ProxyRecord> = z.object({
  pid: z.int().min(2),
  startTime: z.int().min(0),
  bootId: z.string(),
  controlSocket: z.string(),
  digest: z.string(),
})

export const recordPath = (stateDirectory: string) => join(stateDirectory, 'proxy.json')

/** The recorded proxy if it still runs, as this user; null: there is none. */
export function readLiveRecord(stateDirectory: string): ProxyRecord | null {
  let record: ProxyRecord
  try {
    record = schema.parse(JSON.parse(readFileSync(recordPath(stateDirectory), 'utf8')))
  } catch {
    return null // Missing, cut by a full disk, or of another version: then nothing is known to run.
  }
  return record.bootId === bootId() && isRunning(record) ? record : null
}

/** Whether just this process runs, as our own user. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = readProcess(identity.pid)
  return (
    now !== null &&
    !now.ended &&
    sameProcess(now, identity) &&
    ownerOf(identity.pid) === process.geteuid?.()
  )
}

/** Records the calling process. */
export function writeOwnRecord(stateDirectory: string, controlSocket: string, digest: string) {
  const own = readProcess(process.pid)
  if (own === null) throw new Error('/proc does not show this process; is it mounted?')
  const { pid, startTime } = own
  const record: ProxyRecord = { pid, startTime, bootId: bootId(), controlSocket, digest }
  const path = recordPath(stateDirectory)
  const temporary = `${path}.${pid}`
  rmSync(temporary, { force: true })
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600, flag: 'wx' })
  renameSync(temporary, path)
}

/** Unless another proxy has been recorded since. */
export function removeOwnRecord(stateDirectory: string): void {
  if (readLiveRecord(stateDirectory)?.pid === process.pid)
    rmSync(recordPath(stateDirectory), { force: true })
}

export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

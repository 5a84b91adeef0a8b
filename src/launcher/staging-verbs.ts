import { readSync } from 'node:fs'
import type { Answering } from './answer.ts'
import { makeIn } from './directory.ts'
import {
  type ClaimReply,
  type ClaimRequest,
  type CleanReply,
  type CleanRequest,
  claimDirectory,
  type LogEnd,
  type LogReply,
  type LogRequest,
  limits,
  type Staging,
} from './protocol.ts'
import {
  makeStaging,
  openStaging,
  readOwnFile,
  removeStaging,
  stagingRoot,
  telling,
} from './staging.ts'

export function log({ staging, files, maxBytes }: LogRequest, answering: Answering): LogReply {
  const opened = find(staging, answering)
  if (opened === null) return { ok: true, logs: files.map(() => ({ found: false })) }
  const logs: LogEnd[] = []
  let room: number = limits.logBytes
  for (const file of files) {
    const end = readOwnFile(opened.directory, file, answering.identity, (descriptor, sizeBytes) => {
      if (Math.min(sizeBytes, maxBytes) > room) return 'later'
      const bytes = tail(descriptor, sizeBytes, maxBytes)
      room -= bytes.length
      return { found: true, sizeBytes, base64: bytes.toString('base64') } as const
    })
    if (end === 'later') break
    logs.push(end ?? { found: false })
  }
  return { ok: true, logs }
}

export function clean({ staging }: CleanRequest, answering: Answering): CleanReply {
  const opened = find(staging, answering, true)
  if (opened !== null) removeStaging(opened)
  return { ok: true, removed: opened !== null }
}

export function claim({ staging, attempts }: ClaimRequest, answering: Answering): ClaimReply {
  const root = stagingRoot(staging.root, answering.identity, answering.limits)
  const { directory, path } = makeStaging(root, staging.cluster, answering.identity, true)
  return telling(`A claim cannot be made in ${path}`, () => ({
    ok: true,
    claims: Object.fromEntries(
      attempts.map((attempt) => [
        attempt,
        makeIn(directory, claimDirectory(attempt)) ? 'made' : 'exists',
      ]),
    ),
  }))
}

function find({ root, cluster }: Staging, { identity, limits: rules }: Answering, close = false) {
  return openStaging(stagingRoot(root, identity, rules), cluster, identity, close)
}

function tail(descriptor: number, sizeBytes: number, maxBytes: number): Buffer {
  const buffer = Buffer.alloc(Math.min(sizeBytes, maxBytes))
  const from = sizeBytes - buffer.length
  let length = 0
  while (length < buffer.length) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, from + length)
    // It was shortened while it was read.
    if (read === 0) break
    length += read
  }
  return buffer.subarray(0, length)
}

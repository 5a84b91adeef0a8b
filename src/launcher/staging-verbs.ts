import { readSync } from 'node:fs'
import type { Answering } from './answer.ts'
import { makeIn } from './directory.ts'
import {
  type ClaimReply,
  type ClaimRequest,
  type CleanReply,
  type CleanRequest,
  claimDirectory,
  type LogReply,
  type LogRequest,
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

export function log({ staging, file, maxBytes }: LogRequest, answering: Answering): LogReply {
  const opened = find(staging, answering)
  const found =
    opened &&
    readOwnFile(opened.directory, file, answering.identity, (descriptor, sizeBytes) => ({
      sizeBytes,
      base64: tail(descriptor, sizeBytes, maxBytes).toString('base64'),
    }))
  return found === null ? { ok: true, found: false } : { ok: true, found: true, ...found }
}

export function clean({ staging }: CleanRequest, answering: Answering): CleanReply {
  const opened = find(staging, answering)
  if (opened !== null) removeStaging(opened)
  return { ok: true, removed: opened !== null }
}

export function claim({ staging, attempts }: ClaimRequest, answering: Answering): ClaimReply {
  const root = stagingRoot(staging.root, answering.identity, answering.limits)
  const { directory, path } = makeStaging(root, staging.cluster, answering.identity)
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

function find({ root, cluster }: Staging, { identity, limits }: Answering) {
  return openStaging(stagingRoot(root, identity, limits), cluster, identity)
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

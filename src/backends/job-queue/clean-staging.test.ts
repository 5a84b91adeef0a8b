import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster, Logger } from '../../core/index.ts'
import type { Failure } from '../../launcher/index.ts'
import { StagingCleaner, type StagingCleanerParts } from './clean-staging.ts'
import type { CallLauncher } from './launcher-call.ts'

const signal = AbortSignal.timeout(60_000)
const account = {
  ...{ name: 'alice', uid: 1000, gid: 1000, home: '/home/alice', shell: '/bin/sh', own: false },
}
const cluster = { name: 'c0ffee', username: 'alice', settings: {} } as unknown as Cluster
const failure = (code: Failure['code'] = 'staging'): Failure => ({
  ...{ ok: false, code, error: 'it is not so' },
})

function cleaner(parts: Partial<StagingCleanerParts>, replies: unknown[]) {
  const call = (async () => replies.shift()) as unknown as CallLauncher
  const logger = { warn: () => {} } as unknown as Logger
  const accountOf = async () => account
  return new StagingCleaner({ call, accountOf, hasSubmitted: () => true, logger, ...parts })
}

test('a directory that cannot be removed is left after a while, and its owner told where', async () => {
  let now = 0
  const each = cleaner({ now: () => now }, [failure(), failure(), failure()])
  await assert.rejects(each.clean(cluster, signal), /it is not so/)
  now = 599_000
  await assert.rejects(each.clean(cluster, signal), /it is not so/)
  now = 600_000
  const [words] = await each.clean(cluster, signal)
  assert.match(words ?? '', /^\/home\/alice\/\.dask-gateway\/c0ffee is left, .*it is not so/)
})

test('one that is set right meanwhile is removed', async () => {
  let now = 0
  const removed = { ok: true, removed: true }
  const each = cleaner({ now: () => now }, [failure(), removed, failure()])
  await assert.rejects(each.clean(cluster, signal))
  now = 700_000
  assert.deepEqual(await each.clean(cluster, signal), [])
  // The time begins anew.
  await assert.rejects(each.clean(cluster, signal))
})

test('what keeps the launcher itself from it is waited for', async () => {
  let now = 0
  const each = cleaner({ now: () => now }, [failure('refused'), failure('internal')])
  await assert.rejects(each.clean(cluster, signal))
  now = 1e9
  await assert.rejects(each.clean(cluster, signal))
})

test('where nothing was ever submitted, or the account is gone, nothing is waited for', async () => {
  const nothing = cleaner({ hasSubmitted: () => false }, [failure('refused')])
  assert.deepEqual(await nothing.clean(cluster, signal), [])
  const gone = cleaner({ accountOf: async () => ({ refused: 'no such account' }) }, [])
  assert.deepEqual(await gone.clean(cluster, signal), [])
})

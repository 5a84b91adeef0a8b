import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ClusterSettings } from '../../core/index.ts'
import { rehearse } from './rehearse.ts'

const account = {
  ...{ name: 'somebody', shell: '/bin/sh', own: true },
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  home: '/',
}

const signal = AbortSignal.timeout(60_000)

function scratch(t: { after(step: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'rehearse-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a command is found on the PATH of the cluster, and others run with its environment', async (t) => {
  const bin = scratch(t)
  writeFileSync(join(bin, 'dask'), '#!/bin/sh\nexit 1\n')
  chmodSync(join(bin, 'dask'), 0o755)
  const settings = {
    scheduler_cmd: ['dask', 'scheduler'],
    worker_cmd: 'nothing-like-it',
    environment: { PATH: `${bin}:/usr/bin:/bin`, WORD: "it's" },
  } as unknown as ClusterSettings
  const found = await rehearse('scheduler', settings, account, [], signal)
  assert.deepEqual(found.argv, [join(bin, 'dask'), 'scheduler'])
  const script = 'echo "$WORD"; echo "$PATH" >&2; exit 3'
  const ran = await found.run(['/bin/sh', '-c', script], AbortSignal.timeout(10_000))
  assert.deepEqual(ran, { status: 3, output: "it's\n", errors: `${bin}:/usr/bin:/bin\n` })
  await assert.rejects(
    rehearse('worker', settings, account, [], signal),
    /worker_cmd: 'nothing-like-it' was not found on PATH \(.*rehearse-/,
  )
  await assert.rejects(found.run(['/bin/sleep', '100'], AbortSignal.timeout(10)), /abort/i)
})

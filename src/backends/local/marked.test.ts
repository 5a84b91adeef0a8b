import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findMarked } from './marked.ts'
import { markerText, markerVariable } from './survey.ts'

test('processes and directories of any instance are found, and nothing else', async (t) => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'marked-'))
  t.after(() => rmSync(stateDirectory, { recursive: true, force: true }))
  const instanceId = '5a'.repeat(16)
  const marker = { instanceId, attemptId: 'a1', clusterName: 'c1' }
  const child = spawn('sleep', ['60'], { env: { [markerVariable]: markerText(marker) } })
  t.after(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  await once(child, 'spawn')
  const path = join(stateDirectory, 'clusters', `dg-${instanceId}-c2`)
  mkdirSync(path, { recursive: true })
  mkdirSync(join(stateDirectory, 'clusters', 'lost+found'))

  const found = await findMarked({ configured: null, stateDirectory })
  const owner = process.getuid?.()
  assert.deepEqual(
    found.filter((each) => each.instanceId === instanceId),
    [
      { what: `process ${child.pid}`, owner, ...marker },
      { what: `directory ${path}`, owner, instanceId, attemptId: null, clusterName: 'c2' },
    ],
  )
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findCommands } from './find-commands.ts'

test('what is set is taken, and what only the PATH of the gateway has is found there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'commands-'))
  try {
    writeFileSync(join(folder, 'qstat'), '')
    const found = findCommands(
      { submit: '/opt/site/qsub', cancel: null, status: null },
      'pbs',
      `relative:/nowhere:${folder}`,
    )
    // A machine with a PBS finds its own.
    const { status = join(folder, 'qstat'), ...rest } = found
    assert.equal(status, join(folder, 'qstat'))
    assert.deepEqual(rest, { submit: '/opt/site/qsub' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

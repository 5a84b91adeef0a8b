import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { replaceFile } from './replace-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'replace-'))
after(() => rmSync(directory, { recursive: true }))

test('a file is replaced as a whole, and nothing is left beside it', async () => {
  const path = join(directory, 'notes')
  writeFileSync(`${path}.new`, 'what a crash has left')
  for (const text of ['the first, which is long', 'second']) {
    await replaceFile(path, text)
    assert.equal(readFileSync(path, 'utf8'), text)
  }
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory), ['notes'])
})

test('where a file cannot be written, that is an error', async () => {
  await assert.rejects(replaceFile(join(directory, 'missing/notes'), ''), { code: 'ENOENT' })
})

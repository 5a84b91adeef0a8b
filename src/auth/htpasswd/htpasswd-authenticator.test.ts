import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import bcrypt from 'bcryptjs'
import { recordingLogger } from '../../../test/contracts/store-files.ts'
import { waitFor } from '../../../test/fakes/wait-for.ts'
import { createHtpasswdAuthenticator } from './index.ts'

const line = (name: string, password: string) => `${name}:${bcrypt.hashSync(password, 4)}\n`

async function start(t: TestContext, text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'htpasswd-'))
  const path = join(directory, 'users')
  writeFileSync(path, text, { mode: 0o600 })
  const lines: string[] = []
  const authenticator = createHtpasswdAuthenticator(path, recordingLogger(lines), 20)
  t.after(async () => {
    await authenticator.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const check = async (name: string, password: string) => {
    assert.ok(authenticator.login?.form === 'password')
    const result = await authenticator.login.check(name, password)
    return result.outcome === 'accepted' ? result.user.name : result.reason
  }
  return { path, lines, authenticator, check }
}

const wrong = 'Wrong user name or password'

test('each user has a password of their own, by the header and by the form', async (t) => {
  const it = await start(
    t,
    line('alice', 'a secret') + line('José', 'añb😀') + line('long', 'x'.repeat(80)),
  )
  await it.authenticator.start()
  assert.equal(await it.check('alice', 'a secret'), 'alice')
  assert.equal(await it.check('alice', 'a secret'), 'alice')
  assert.equal(await it.check('José', 'añb😀'), 'José')
  assert.equal(await it.check('Jose\u0301', 'añb😀'), 'José')
  assert.equal(await it.check('long', 'x'.repeat(80)), 'long')
  for (const [name, password] of [
    ['alice', ''],
    ['alice', 'A secret'],
    ['alice', 'añb😀'],
    ['alice', 'a secret\0'],
    ['Alice', 'a secret'],
    ['\u0430lice', 'a secret'],
    ['nobody', 'a secret'],
    ['__proto__', 'a secret'],
  ] as const)
    assert.equal(await it.check(name, password), wrong, `${name} ${password}`)
  assert.match(await it.check('', 'x'), /empty/)
  const authorization = `Basic ${Buffer.from('alice:a secret').toString('base64')}`
  const result = await it.authenticator.authenticate({ authorization, address: '::1' })
  assert.equal(result.outcome, 'accepted')
  assert.equal(it.authenticator.knows?.('alice'), true)
  assert.equal(it.authenticator.knows?.('Alice'), false)
})

test('a hash that another program made is understood', async (t) => {
  // By crypt(3) of libxcrypt 4.4, which htpasswd too has its hashes from.
  const hash = '$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW'
  const it = await start(t, `alice:${hash}\n`)
  await it.authenticator.start()
  assert.equal(await it.check('alice', 'open sesame'), 'alice')
  assert.equal(await it.check('alice', 'open sesam'), wrong)
})

test('the file is read again when it has changed; a bad one changes nothing and is told once', async (t) => {
  const it = await start(t, line('alice', 'old'))
  await it.authenticator.start()
  const write = (text: string) => {
    writeFileSync(`${it.path}.new`, text)
    renameSync(`${it.path}.new`, it.path)
  }
  write(line('alice', 'new') + line('bob', 'b'))
  await waitFor('bob', () => it.authenticator.knows?.('bob') === true)
  assert.equal(await it.check('alice', 'old'), wrong)
  assert.equal(await it.check('alice', 'new'), 'alice')
  write('alice:not a hash\n')
  const errors = () => it.lines.filter((each) => each.startsWith('error'))
  await waitFor('an error', () => errors().length > 0)
  assert.match(errors()[0] ?? '', /line 1: .*the users of before stay/)
  assert.equal(await it.check('bob', 'b'), 'bob')
  await assert.rejects(async () => it.authenticator.reload?.(), { code: 'configuration' })
  rmSync(it.path)
  await waitFor('another error', () => errors().length > 1)
  assert.match(errors()[1] ?? '', /ENOENT/)
  assert.equal(await it.check('bob', 'b'), 'bob')
  write(line('alice', 'new'))
  await waitFor('bob to be gone', () => it.authenticator.knows?.('bob') === false)
  assert.equal(await it.check('bob', 'b'), wrong)
  assert.equal(errors().length, 2)
})

test('a file that is none, or cannot be read, ends the start with a sentence', async (t) => {
  const it = await start(t, 'x')
  await assert.rejects(it.authenticator.start(), {
    code: 'configuration',
    message:
      /^SimpleAuthenticator.htpasswd_file: .*users cannot be used: line 1 is none of NAME:HASH$/,
  })
  writeFileSync(it.path, Buffer.from([0x61, 0xff, 0x3a]))
  await assert.rejects(it.authenticator.start(), /cannot be used: .*encoded data was not valid/)
  rmSync(it.path)
  await assert.rejects(it.authenticator.start(), /ENOENT/)
  execFileSync('mkfifo', [it.path])
  await assert.rejects(it.authenticator.start(), /it is no file/)
  rmSync(it.path)
  writeFileSync(it.path, '#'.repeat(5 * 1024 * 1024))
  await assert.rejects(it.authenticator.start(), /larger than 4 MiB/)
  writeFileSync(it.path, line('alice', 'a'))
  chmodSync(it.path, 0o644)
  await it.authenticator.start()
  assert.match(it.lines.join('\n'), /warn: Everybody on this machine may read the hashes/)
})

test('checks do not hold up the rest, and too many at once are refused', async (t) => {
  const it = await start(t, `alice:${bcrypt.hashSync('x', 7)}\n`)
  await it.authenticator.start()
  let turns = 0
  const turning = setInterval(() => turns++, 1)
  const checks = Array.from({ length: 130 }, (_, n) => it.check('alice', `guess ${n}`))
  const results = await Promise.allSettled(checks)
  clearInterval(turning)
  const busy = results.filter(({ status }) => status === 'rejected')
  assert.equal(busy.length, 30)
  assert.ok(turns > 50, `${turns}`)
  await it.authenticator.stop()
})

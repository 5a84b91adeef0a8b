import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askPublic, startTestApi } from '../../test/support/test-api.ts'

const script = 'export const a = 1\n'.repeat(100)

async function startWithPage(t: TestContext) {
  const webFolder = await mkdtemp(join(tmpdir(), 'web-'))
  t.after(() => rm(webFolder, { recursive: true, force: true }))
  await writeFile(join(webFolder, 'index.html'), '<!doctype html><title>The page</title>')
  await writeFile(join(webFolder, 'page-0123.js'), script)
  await writeFile(join(webFolder, 'notes.txt'), 'not for everybody')
  const it = await startTestApi(t, { webFolder })
  const { value } = await it.sessions.create({ name: 'alice', groups: [], admin: false }, 'login')
  return { it, cookie: `test-gateway=${value}` }
}

test('the page is the same for everybody, asks nobody else for anything, and is asked for anew only when it is another', async (t) => {
  const { it, cookie } = await startWithPage(t)
  const stranger = await askPublic(it, '/')
  const page = await askPublic(it, '/', { headers: { cookie } })
  assert.equal(page.status, 200)
  assert.match(page.text, /The page/)
  assert.deepEqual([stranger.status, stranger.text], [200, page.text])
  assert.equal(
    page.headers['content-security-policy'],
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  )
  const { etag = '' } = page.headers
  const again = { headers: { cookie, 'if-none-match': `"other", W/${etag}` } }
  assert.equal((await askPublic(it, '/', again)).status, 304)
  const other = { headers: { cookie, 'if-none-match': '"other"' } }
  assert.equal((await askPublic(it, '/', other)).status, 200)
})

test('its files are kept for ever, whole or compressed, and nothing else of the folder is served', async (t) => {
  const { it, cookie } = await startWithPage(t)
  const plain = await askPublic(it, '/assets/page-0123.js')
  assert.equal(plain.text, script)
  assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
  assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8')
  assert.equal(plain.headers['x-content-type-options'], 'nosniff')
  const headers = { 'accept-encoding': 'br, gzip' }
  const small = await askPublic(it, '/assets/page-0123.js', { headers })
  assert.equal(small.headers['content-encoding'], 'gzip')
  assert.ok(Number(small.headers['content-length']) < script.length / 10)
  const known = { headers: { 'if-none-match': String(plain.headers.etag) } }
  assert.equal((await askPublic(it, '/assets/page-0123.js', known)).status, 304)
  for (const path of ['notes.txt', 'index.html', '..%2fnotes.txt', '', '%00', '__proto__'])
    assert.equal((await askPublic(it, `/assets/${path}`, { headers: { cookie } })).status, 404)
})

test('a script of the page that is not logged in gets no challenge, by which a browser would ask for a password', async (t) => {
  const { it } = await startWithPage(t)
  const headers = { 'x-requested-with': 'XMLHttpRequest' }
  const answer = await askPublic(it, '/api/v1/user', { headers })
  assert.deepEqual([answer.status, answer.headers['www-authenticate']], [401, undefined])
  const program = await askPublic(it, '/api/v1/user')
  assert.deepEqual([program.status, program.headers['www-authenticate']], [401, 'Basic'])
})

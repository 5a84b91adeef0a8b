import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openBrowser } from './open-browser.ts'

const url = 'https://dask.example.org/clusters/0a/status?a=$(touch x)&b=%s;"\''

/** A folder with programs that write their arguments to a file, each on a line. */
function programs(t: TestContext, texts: { readonly [name: string]: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'browsers-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const seen = join(folder, 'seen')
  return {
    environment: (browser?: string) => ({ PATH: `${folder}:/bin`, SEEN: seen, BROWSER: browser }),
    seen: () => (existsSync(seen) ? readFileSync(seen, 'utf8').trimEnd().split('\n') : null),
  }
}
const writes = 'printf "%s\\n" "$0" "$@" >"$SEEN.new" && mv "$SEEN.new" "$SEEN"'

test('xdg-open gets the URL as one argument', async (t) => {
  const it = programs(t, { 'xdg-open': writes })
  await openBrowser(url, it.environment())
  assert.deepEqual(it.seen()?.slice(1), [url])
})

test('BROWSER names commands, of which the first that works is taken', async (t) => {
  const it = programs(t, { 'xdg-open': 'exit 1', bad: 'exit 3', good: writes })
  await openBrowser(url, it.environment('missing:bad:good --new-window %s --quiet:xdg-open'))
  assert.deepEqual(it.seen()?.slice(1), ['--new-window', url, '--quiet'])
})

test('when none works, each is told of', async (t) => {
  const it = programs(t, { bad: 'exit 3' })
  await assert.rejects(openBrowser(url, it.environment('missing:bad')), {
    message: 'No browser could be opened: missing does not exist, bad ended with exit status 3',
  })
})

test('a browser that stays until it is closed is not waited for', {
  timeout: 30_000,
}, async (t) => {
  const it = programs(t, { stays: `echo $$ >"$SEEN.pid"; ${writes}; exec sleep 60` })
  await openBrowser(url, it.environment('stays'))
  process.kill(Number(readFileSync(`${it.environment().SEEN}.pid`, 'utf8')))
  assert.deepEqual(it.seen()?.slice(1), [url])
})

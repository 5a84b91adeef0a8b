import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDatabaseUrl } from './database-url.ts'

test('the forms of sqlite URLs', () => {
  const file = (path: string) => ({ kind: 'file', path })
  const table: [string, object][] = [
    ['sqlite://', { kind: 'memory' }],
    ['sqlite:///:memory:', { kind: 'memory' }],
    ['sqlite:///x.sqlite', file('/work dir/x.sqlite')],
    ['sqlite:///a/../b.sqlite', file('/work dir/b.sqlite')],
    ['sqlite:////abs/x.sqlite', file('/abs/x.sqlite')],
    ['sqlite+pysqlite:////abs/x.sqlite', file('/abs/x.sqlite')],
  ]
  for (const [url, expected] of table)
    assert.deepEqual(parseDatabaseUrl(url, '/work dir'), expected, url)
})

test('what is no sqlite URL is refused, and not repeated', () => {
  const table: [string, RegExp][] = [
    ['postgresql://u:hunter2@db/x', /PostgreSQL database, which is not built yet/],
    ['postgresql+psycopg2://u:hunter2@db/x', /not built yet/],
    ['mysql://u:hunter2@db/x', /"mysql" is not a known kind/],
    ['x.sqlite', /must begin with sqlite/],
    ['sqlite://x.sqlite', /three slashes/],
    ['sqlite:///dir/', /names a directory/],
    ['sqlite:///x.sqlite?timeout=3', /Options in the URL/],
  ]
  for (const [url, message] of table)
    assert.throws(
      () => parseDatabaseUrl(url, '/'),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'configuration')
        assert.match(error.message, /^DBBackendBase\.db_url /)
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      },
    )
})

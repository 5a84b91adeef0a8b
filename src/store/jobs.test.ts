import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { temporaryDirectory } from '../../test/contracts/store-files.ts'
import { type Job, jobRunner } from './jobs.ts'

function given(path = ':memory:') {
  const database = new DatabaseSync(path, { timeout: 0 })
  database.exec('create table if not exists t (x integer primary key) strict')
  return { database, run: jobRunner(database) }
}

const insert = (...values: readonly number[]): Job => ({
  writes: true,
  statements: values.map((x) => ({ sql: 'insert into t values (?)', parameters: [x] })),
})
const all: Job = { writes: false, statements: [{ sql: 'select x from t', parameters: [] }] }

test('jobs given together are done in order, and a read sees what was written before it', () => {
  const { run } = given()
  const [, first, , second] = run([insert(1), all, insert(2), all])
  assert.deepEqual(first, { rows: [{ __proto__: null, x: 1 }] })
  assert.equal('rows' in (second ?? {}) && (second as { rows: unknown[] }).rows.length, 2)
})

test('one that fails is undone whole and has the error; those given with it are done', () => {
  const { run } = given()
  const [first, bad, last] = run([insert(1), insert(2, 3, 1), insert(4)])
  assert.deepEqual(first, { rows: [] })
  assert.match(String(bad && 'error' in bad && bad.error), /UNIQUE/)
  assert.deepEqual(last, { rows: [] })
  assert.deepEqual(run([all]), [
    {
      rows: [
        { __proto__: null, x: 1 },
        { __proto__: null, x: 4 },
      ],
    },
  ])
})

test('those given together are one commit', (context) => {
  const { database, run } = given(join(temporaryDirectory(context), 'x.sqlite'))
  const other = given(join(String(database.location()))).database
  const version = () => other.prepare('pragma data_version').get()?.data_version
  const before = Number(version())
  run(Array.from({ length: 100 }, (_, x) => insert(x)))
  assert.equal(version(), before + 1)
  for (const each of [database, other]) each.close()
})

test('who holds the database locked is not waited for again by each', (context) => {
  const path = join(temporaryDirectory(context), 'x.sqlite')
  const { database, run } = given(path)
  const other = new DatabaseSync(path)
  other.exec('begin exclusive')
  const outcomes = run([insert(1), insert(2)])
  other.exec('rollback')
  for (const each of outcomes) assert.match(String('error' in each && each.error), /locked/)
  assert.deepEqual(run([all]), [{ rows: [] }])
  for (const each of [database, other]) each.close()
})

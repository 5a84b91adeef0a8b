import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askPublic, basic, startTestApi } from '../../test/support/test-api.ts'

const asRoot = basic('root')
const isAdmin = {
  roles: (user: { name: string }) => ({ ...user, admin: user.name === 'root' }) as never,
}

test('names may hold slashes, commas and any letters, and are told apart exactly', async (t) => {
  const it = await startTestApi(t, isAdmin)
  const names = [
    'a/b',
    'a, b',
    '..x',
    'Ann',
    'ann',
    'a\u0301',
    '\u00e1',
    'а',
    '名'.repeat(85),
    '50%',
  ]
  for (const [at, name] of names.entries()) {
    const path = `/api/v1/admin/quotas/group/${encodeURIComponent(name)}`
    const body = JSON.stringify({ clusters: at })
    const { status, json } = await askPublic(it, path, { method: 'PUT', headers: asRoot, body })
    assert.equal(status, 200, name)
    assert.equal((json as { name: string }).name, name)
  }
  const { json } = await askPublic(it, '/api/v1/admin/quotas', { headers: asRoot })
  const found = json as { quotas: { name: string; clusters: { limit: number } }[] }
  assert.deepEqual(
    found.quotas.map(({ name, clusters }) => [name, clusters.limit]),
    names.map((name, at) => [name, at]),
  )
  const [last] = it.memory.audits.slice(-1)
  assert.deepEqual([last?.user, last?.action], ['root', 'admin-quota-set'])
  assert.equal(last?.message, 'group "50%": clusters 9')
})

const wrong: readonly [string, string, number, RegExp][] = [
  ['user/x', '{}', 422, /name none of clusters, workers, cores, memory/],
  ['user/x', '{"core": 1}', 422, /"core" is none of .*; did you mean "cores"\?/],
  ['user/x', '{"clusters": 1.5}', 422, /clusters must be a whole number/],
  ['user/x', '{"clusters": -1}', 422, /clusters must be a whole number/],
  ['user/x', '{"cores": "4"}', 422, /cores must be a number/],
  ['user/x', '{"cores": 1e400}', 422, /cores must be a number/],
  ['user/x', '{"memory": "lots"}', 422, /memory must be bytes/],
  ['user/x', '[]', 422, /must be a JSON object/],
  ['user/x', '', 422, /empty/],
  ['user/a%0ab', '{"cores": 1}', 422, /none of them a control character/],
  [`user/${'x'.repeat(256)}`, '{"cores": 1}', 422, /1 to 255 characters/],
  ['team/x', '{"cores": 1}', 404, /quotas of user and group only/],
]
test('what is wrong is named', async (t) => {
  const it = await startTestApi(t, isAdmin)
  for (const [whose, body, status, sentence] of wrong) {
    const how = { method: 'PUT', headers: asRoot, body }
    const answer = await askPublic(it, `/api/v1/admin/quotas/${whose}`, how)
    assert.equal(answer.status, status, `${whose} ${body}`)
    assert.match((answer.json as { error: string }).error, sentence)
  }
})

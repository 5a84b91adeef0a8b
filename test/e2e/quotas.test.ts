import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../fakes/wait-for.ts'
import {
  ask,
  basic,
  freePort,
  keepLog,
  type RunningGateway,
  startGateway,
  workingDirectory,
} from './harness.ts'
import { runPython } from './run-python.ts'

const directory = workingDirectory('quotas')
const password = 'a password of the tests'
const config = `
from dask_gateway_server.options import Mapping, Options
c.SimpleAuthenticator.password = "${password}"
c.Backend.cluster_options = Options(Mapping("settings"), handler=lambda options: options.settings)
c.Quotas.user = {"clusters": 2, "workers": 3}
c.Quotas.users = {"bob": {"clusters": 7}, "dora": {"clusters": 5}}
`
let gateway: RunningGateway
before(async () => {
  gateway = await startGateway({ directory: directory.path, port: await freePort(), config })
})
after(async () => {
  keepLog('quotas', gateway.log())
  assert.equal(await gateway.stop(), 0)
  directory.remove()
})

// Costs nothing, and never sends a heartbeat.
const body = JSON.stringify({
  cluster_options: { settings: { scheduler_cmd: ['/bin/sh', '-c', 'sleep 600'] } },
})

async function create(user: string) {
  const how = { method: 'POST', headers: basic(user, password), body }
  const { status, text } = await ask(`${gateway.address}/api/v1/clusters/`, how)
  return { status, text }
}

async function asJson(user: string, path: string) {
  const { text } = await ask(`${gateway.address}/api/v1/${path}`, {
    headers: basic(user, password),
  })
  return JSON.parse(text)
}

const usedBy = async (user: string) => (await asJson(user, 'quota')).quotas[0].clusters.used
const namesOf = async (user: string) => Object.keys(await asJson(user, 'clusters/'))
const countOf = (answers: readonly { readonly status: number }[], status: number) =>
  answers.filter((each) => each.status === status).length

test('the Python client is told of quotas, and of the end of a cluster without clients or of age', async () => {
  const source = (name: string) =>
    readFileSync(join(import.meta.dirname, 'client-features', `${name}.py`), 'utf8')
  const { ended } = runPython(`${source('common')}\n${source('quotas')}`, gateway.address)
  assert.match(await ended, /^quotas$.*^clients$.*^lifetime$/ms)
})

test('of 100 clusters that are asked for at once exactly those begin that fit', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => create('bob')))
  assert.deepEqual([countOf(answers, 201), countOf(answers, 409)], [7, 93])
  const refused = answers.find(({ status }) => status === 409)
  assert.match(
    refused?.text ?? '',
    /The quota of user bob is 7 clusters and 7 are in use; 1 more was/,
  )
  assert.equal((await namesOf('bob')).length, 7)
  assert.equal(await usedBy('bob'), 7)
})

test('records that are locked for ten seconds: nothing is lost, and nothing is admitted twice', async () => {
  await asJson('dora', 'user')
  const database = new DatabaseSync(join(directory.path, 'dask_gateway.sqlite'))
  database.exec('begin immediate')
  const unlockAt = performance.now() + 10_000
  try {
    const early = await Promise.all(Array.from({ length: 10 }, () => create('dora')))
    for (const { status, text } of early)
      assert.ok(
        (status === 503 && /another program holds it locked/.test(text)) ||
          (status === 409 && /5 are in use/.test(text)),
        text,
      )
    assert.ok(countOf(early, 503) >= 5)
    await waitFor('what was not written to count no more', async () => (await usedBy('dora')) === 0)
    await delay(Math.max(0, unlockAt - 2500 - performance.now()))
    const late = Promise.all(Array.from({ length: 10 }, () => create('dora')))
    await delay(Math.max(0, unlockAt - performance.now()))
    database.exec('rollback')
    const answers = await late
    assert.deepEqual(
      [countOf(answers, 201), countOf(answers, 409)],
      [5, 5],
      JSON.stringify(answers),
    )
  } finally {
    database.close()
  }
  assert.equal((await create('dora')).status, 409)
  assert.equal((await namesOf('dora')).length, 5)
  assert.equal(await usedBy('dora'), 5)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  basic,
  freePort,
  makeDirectory,
  python,
  root,
  startGateway,
  workingDirectory,
} from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'

// The figures of a gateway that runs, held against what Prometheus says of them and against what deploy/ asks for.

const directory = workingDirectory('metrics')
const notes = join(directory.path, 'notes')
const port = await freePort()
const privatePort = await freePort()
makeDirectory(notes)
const command = (kind: string) =>
  `["${python}", "${join(root, 'test/e2e/mini_dask.py')}", "${kind}"]`
const gateway = await startGateway({
  directory: directory.path,
  port,
  config: `
c.DaskGateway.address = "127.0.0.1:${privatePort}"
c.Audit.file = "${directory.path}/audit.jsonl"
c.SimpleAuthenticator.password = "secret"
c.LocalClusterConfig.scheduler_cmd = ${command('scheduler')}
c.LocalClusterConfig.worker_cmd = ${command('worker')}
c.LocalClusterConfig.environment = {"MINI_DASK_NOTES": "${notes}"}
c.UnsafeLocalBackend.sigint_timeout = 1
`,
})
after(async () => {
  await gateway.stop()
  directory.remove()
})

const clusters = `http://127.0.0.1:${port}/api/v1/clusters/`
const headers = basic('alice', 'secret')
const metrics = async () => (await fetch(`http://127.0.0.1:${privatePort}/metrics`)).text()

async function ask(path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${clusters}${path}`, { ...init, headers })
  return response.status === 200 || response.status === 201
    ? ((await response.json()) as never)
    : {}
}

function promtool(words: readonly string[], input = ''): string {
  const tool = process.env.DASK_GATEWAY_TEST_PROMTOOL ?? 'promtool'
  const { status, stdout, stderr, error } = spawnSync(tool, words, { input, encoding: 'utf8' })
  assert.equal(error, undefined, 'promtool is of the Debian package "prometheus"')
  assert.equal(status, 0, `promtool ${words.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

before(async () => {
  const { name } = await ask('', { method: 'POST', body: '{}' })
  await waitFor('RUNNING', async () => (await ask(`${name}`)).status === 'RUNNING', 30_000)
  await ask(`${name}/scale`, { method: 'POST', body: '{"count": 1}' })
  await waitFor(
    'the worker',
    async () => /^dask_gateway_workers\{status="running"\} 1$/m.test(await metrics()),
    30_000,
  )
  await ask(`${name}`, { method: 'DELETE' })
  await waitFor('its end', async () => (await ask(`${name}`)).status === 'STOPPED', 30_000)
  for (const authorization of ['Basic eDp5', `Bearer dgt_${'x'.repeat(43)}`])
    await fetch(clusters, { headers: { authorization } })
})

test('the whole output is as Prometheus recommends', async () => {
  promtool(['check', 'metrics'], await metrics())
})

test('the file of the audit trail has who did what, from where, and no secret', async () => {
  const text = readFileSync(join(directory.path, 'audit.jsonl'), 'utf8')
  const actions = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    actions.map(({ user, action, address }) => [user, action, address]),
    ['create', 'scale', 'stop'].map((action) => ['alice', action, '127.0.0.1']),
  )
  assert.doesNotMatch(text, /secret|token/)
})

test('what happened is counted', async () => {
  const text = await metrics()
  const value = (series: string) => {
    const line = text.split('\n').find((each) => each.startsWith(`dask_gateway_${series} `))
    return Number(line?.split(' ').at(-1))
  }
  for (const kind of ['scheduler', 'worker']) {
    assert.equal(value(`queue_wait_seconds_count{kind="${kind}"}`), 1)
    assert.equal(value(`start_latency_seconds_count{kind="${kind}"}`), 1)
    assert.ok(value(`start_latency_seconds_sum{kind="${kind}"}`) < 30)
    assert.equal(value(`ends_total{kind="${kind}",outcome="stopped"}`), 1)
    assert.equal(value(`ends_total{kind="${kind}",outcome="failed"}`), 0)
  }
  assert.equal(value('cluster_requests_total{outcome="created"}'), 1)
  assert.equal(value('authentication_failures_total{by="header"}'), 1)
  assert.equal(value('authentication_failures_total{by="token"}'), 1)
  assert.equal(value('backend_call_seconds_count{call="startScheduler",outcome="ok"}'), 1)
  assert.equal(value('reconciler_step_seconds_count{step="finish",outcome="ok"}'), 1)
  assert.ok(value('store_commit_seconds_count') > 5)
  assert.ok(value('reconciler_wait_seconds_count') > 2)
  assert.equal(value('proxies_connected'), 1)
})

test('however many users, clusters, paths and methods there are, the series stay as many', async () => {
  const seriesOf = (text: string) => text.split('\n').filter((line) => !/^(#|$)/.test(line)).length
  const hostile = async (n: number) => {
    await fetch(`${clusters}${n.toString(16).padStart(32, '0')}`, {
      headers: basic(`u${n}`, 'secret'),
    })
    await fetch(`http://127.0.0.1:${port}/x${n}/"}\n`, { method: n % 2 ? 'PROPFIND' : 'GET' })
    await fetch(clusters, { method: 'POST', headers: basic(`u${n}"`, 'secret'), body: '[]' })
  }
  await hostile(0)
  await hostile(1)
  const few = seriesOf(await metrics())
  for (let n = 2; n < 40; n++) await hostile(n)
  const text = await metrics()
  assert.equal(seriesOf(text), few)
  assert.doesNotMatch(text, /alice|u1|[0-9a-f]{32}|PROPFIND/)
})

test('each alert and each panel asks for what there is, in words that Prometheus understands', async (t) => {
  const rules = join(root, 'deploy/prometheus-rules.yml')
  promtool(['check', 'rules', rules])
  promtool(['test', 'rules', join(root, 'test/metrics/rules.test.yml')])
  const dashboard = JSON.parse(
    readFileSync(join(root, 'deploy/grafana-dashboard.json'), 'utf8'),
  ) as {
    panels: { title: string; targets?: { expr: string }[] }[]
  }
  const panels = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  const asRules = panels.map(
    (expr, n) =>
      `{ record: "panel:n${n}", expr: ${JSON.stringify(expr.replaceAll('$__rate_interval', '5m'))} }`,
  )
  const file = join(directory.path, 'panels.yml')
  writeFileSync(file, `groups: [{ name: panels, rules: [${asRules.join(',\n')}] }]\n`)
  promtool(['check', 'rules', file])
  const known = new Set(
    [...(await metrics()).matchAll(/^([a-z_0-9]+)(?=[ {])/gm)].map(([name]) => name),
  )
  const asked = [readFileSync(rules, 'utf8'), ...panels].flatMap(
    (text) => text.match(/\bdask_gateway_\w+/g) ?? [],
  )
  assert.ok(asked.length > 30)
  assert.deepEqual(
    [...new Set(asked)].filter((name) => !known.has(name)),
    [],
  )
  const alerts = [...readFileSync(rules, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
  const tested = readFileSync(join(root, 'test/metrics/rules.test.yml'), 'utf8')
  const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8')
  for (const name of alerts) {
    assert.ok(tested.includes(`alertname: ${name}`), `${name} has a test`)
    assert.ok(page.includes(`\`${name}\``), `docs/metrics.md tells of ${name}`)
  }
  t.diagnostic(`${known.size} names, ${alerts.length} alerts, ${panels.length} queries of panels`)
})

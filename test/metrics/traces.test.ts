import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tracesWanted } from '../../src/cli/traces/traces-wanted.ts'
import type { Logger } from '../../src/core/index.ts'
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

// A gateway whose traces go to a receiver of OTLP over HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp-request.

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly status?: { readonly code?: number }
  readonly attributes: readonly { readonly key: string; readonly value: object }[]
}

async function receiver(t: TestContext) {
  const spans: Span[] = []
  const bodies: string[] = []
  const headers: unknown[] = []
  const take: RequestListener = async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    bodies.push(body)
    headers.push(request.headers['x-key'])
    assert.equal(request.url, '/v1/traces')
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
    }
    for (const { scopeSpans } of resourceSpans)
      for (const each of scopeSpans) spans.push(...each.spans)
    response.setHeader('content-type', 'application/json').end('{}')
  }
  const server = createServer(take).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { spans, bodies, headers, endpoint: `http://127.0.0.1:${port}` }
}

async function gatewayWith(t: TestContext, env: NodeJS.ProcessEnv) {
  const directory = workingDirectory('traces')
  const notes = join(directory.path, 'notes')
  makeDirectory(notes)
  const port = await freePort()
  const command = (kind: string) =>
    `["${python}", "${join(root, 'test/e2e/mini_dask.py')}", "${kind}"]`
  const gateway = await startGateway({
    directory: directory.path,
    port,
    env,
    config: `
c.SimpleAuthenticator.password = "secret-password"
c.LocalClusterConfig.scheduler_cmd = ${command('scheduler')}
c.LocalClusterConfig.worker_cmd = ${command('worker')}
c.LocalClusterConfig.environment = {"MINI_DASK_NOTES": "${notes}"}
c.UnsafeLocalBackend.sigint_timeout = 1
`,
  })
  t.after(async () => {
    if (gateway.process.exitCode === null) await gateway.stop()
    directory.remove()
  })
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}/api/v1/clusters/${path}`, {
      ...init,
      headers: { ...basic('alice', 'secret-password'), ...init.headers },
      signal: AbortSignal.timeout(10_000),
    })
  async function live(headers: { readonly [name: string]: string } = {}) {
    const created = await ask('', { method: 'POST', body: '{"cluster_options": {}}', headers })
    const { name } = (await created.json()) as { name: string }
    const status = async () => ((await (await ask(name)).json()) as { status: string }).status
    await waitFor('RUNNING', async () => (await status()) === 'RUNNING', 60_000)
    await ask(name, { method: 'DELETE' })
    await waitFor('its end', async () => (await status()) === 'STOPPED', 60_000)
    return name
  }
  return { gateway, ask, live, path: directory.path }
}

test('a request and the start of its cluster are one trace that continues the caller’s, without secrets', async (t) => {
  const { spans, bodies, headers, endpoint } = await receiver(t)
  const { gateway, ask, live } = await gatewayWith(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=collector-key',
    OTEL_SERVICE_NAME: 'my-gateway',
    OTEL_BSP_SCHEDULE_DELAY: '200',
  })
  const traceId = 'ab'.repeat(16)
  const name = await live({ traceparent: `00-${traceId}-${'cd'.repeat(8)}-01` })
  for (const traceparent of ['x', `00-${'0'.repeat(32)}-${'cd'.repeat(8)}-01`, `00-${traceId}`])
    await ask(`${'f'.repeat(32)}?wait&x=${'y'.repeat(50)}`, { headers: { traceparent } })
  assert.equal(await gateway.stop(), 0)
  const named = (text: string) => spans.filter((span) => span.name === text)
  const [post] = named('POST /api/v1/clusters/')
  const [start] = named('cluster start')
  assert.deepEqual([post?.traceId, post?.parentSpanId], [traceId, 'cd'.repeat(8)])
  assert.deepEqual([start?.traceId, start?.parentSpanId], [traceId, post?.spanId])
  for (const phase of ['submit', 'backend startScheduler', 'wait for heartbeat', 'publish']) {
    const [span] = named(phase)
    assert.deepEqual([span?.traceId, span?.parentSpanId], [traceId, start?.spanId], phase)
  }
  assert.ok(named('backend stopObjects').length > 0)
  const reads = named('GET /api/v1/clusters/:name')
  assert.ok(reads.length > 3 && reads.every((span) => span.traceId !== traceId))
  const attributes = new Set(spans.flatMap((span) => span.attributes.map(({ key }) => key)))
  assert.deepEqual([...attributes].sort(), [
    ...['dask_gateway.cluster', 'http.request.method', 'http.response.status_code', 'http.route'],
    'user.name',
  ])
  const all = bodies.join('\n')
  assert.match(all, /"my-gateway"/)
  assert.ok(all.includes(name))
  assert.doesNotMatch(all, /secret-password|YWxpY2U6|yyyy|MINI_DASK|mini_dask/)
  assert.ok(headers.every((key) => key === 'collector-key'))
})

test('a caller that keeps no trace, and a sampler that takes none, send nothing', async (t) => {
  const { spans, endpoint } = await receiver(t)
  const { gateway, ask } = await gatewayWith(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
  await ask('')
  await ask('', { headers: { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00` } })
  await ask('', { headers: { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` } })
  assert.equal(await gateway.stop(), 0)
  assert.deepEqual(
    spans.map((span) => span.traceId),
    ['ab'.repeat(16)],
  )
})

test('a collector that hangs, or is away, holds nobody up, and the log says so', async (t) => {
  const silent = createTcpServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => silent.close())
  const { port } = silent.address() as AddressInfo
  for (const endpoint of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${await freePort()}`]) {
    const { gateway, live } = await gatewayWith(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    })
    await live()
    await waitFor('a line of the log', () => /Traces cannot be sent/.test(gateway.log()), 60_000)
    const before = performance.now()
    assert.equal(await gateway.stop(), 0)
    assert.ok(performance.now() - before < 15_000)
    assert.doesNotMatch(gateway.log(), /Unhandled|fault of the gateway/)
  }
})

test('without the variables nothing of it is loaded', async () => {
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  const logger: Logger = { debug: say, info: say, warn: say, error: say, with: () => logger }
  for (const environment of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SERVICE_NAME: 'x' },
    { OTEL_SDK_DISABLED: 'TRUE', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  ])
    assert.equal(await tracesWanted(environment, '1', logger), null)
  assert.deepEqual(lines, [])
  assert.equal(await tracesWanted({ OTEL_TRACES_EXPORTER: 'zipkin' }, '1', logger), null)
  assert.match(lines.join(), /only "otlp" and "none" are known/)
  // What asks for it is loaded by the one import that waits for the answer.
  const importing = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      /from '@opentelemetry|from '.*create-traces/.test(
        readFileSync(join(root, 'src', file), 'utf8'),
      ),
  )
  assert.ok(importing.length > 3)
  assert.deepEqual(
    importing.filter((file) => !file.startsWith('cli/traces/') || file.endsWith('wanted.ts')),
    [],
  )
  const chunks = join(root, 'dist/lib')
  assert.deepEqual(
    readdirSync(chunks).filter((file) =>
      readFileSync(join(chunks, file), 'utf8').includes('/opentelemetry.js'),
    ),
    ['create-traces.js'],
  )
})

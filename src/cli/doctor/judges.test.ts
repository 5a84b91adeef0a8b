import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { createKeyPair } from '../../util/index.ts'
import type { HttpAnswer } from './ask.ts'
import { interpreterIn, judgePair, judgeVersions } from './dask-checks.ts'
import { checkHttp, checkUpgrade, judgeHttp, judgeUpgrade } from './http-checks.ts'
import { judgeMarked } from './orphan-checks.ts'
import { placeOf } from './place.ts'
import { judgeListeners } from './port-checks.ts'
import { fingerprintOf, type HelloAnswer, sayHello } from './tls-hello.ts'
import { judgeTunnel } from './tunnel-checks.ts'

const place = { url: 'https://x.org/p', secure: true, host: 'x.org', port: 443, prefix: '/p' }
const hop = { place, name: 'What stands in front', advice: 'Mend it.', judgeCertificate: true }
const pass: HttpAnswer = {
  ...{ status: 200, text: '{"status":"pass"}', upgraded: false, by: '' },
  ...{ distrust: null, certificateEndsAt: null },
}

test('addresses as users have them', () => {
  assert.deepEqual(placeOf('https://x.org/p/'), place)
  assert.deepEqual(placeOf('http://[::1]:8000'), {
    ...{ url: 'http://[::1]:8000', secure: false, host: '::1', port: 8000, prefix: '' },
  })
  assert.equal(placeOf('x.org:8000'), null)
})

test('HTTP: each way to be wrong is named', () => {
  const now = 1_000_000_000_000
  const cases: readonly [Partial<HttpAnswer>, Partial<HttpAnswer>, string, RegExp][] = [
    [{}, {}, 'ok', /comes through/],
    [{ status: 502, text: 'Bad Gateway', by: 'nginx' }, {}, 'failed', /status 502 by nginx/],
    [{ text: '<html>' }, {}, 'failed', /does not lead to the gateway/],
    [{ status: 301 }, {}, 'failed', /sends clients elsewhere/],
    [{}, { status: 503 }, 'failed', /does not call itself healthy/],
    [{ distrust: 'self-signed' }, {}, 'warning', /not trusted here: self-signed/],
    [{ certificateEndsAt: now + 86400e3 }, {}, 'warning', /its certificate ends at 2001-09-10/],
  ]
  for (const [live, health, result, sentence] of cases) {
    const found = judgeHttp(hop, { ...pass, ...live }, { ...pass, ...health }, now)
    assert.equal(found.result, result, found.sentence)
    assert.match(found.sentence, sentence)
  }
})

test('WebSocket: a plain answer means that the header was lost', () => {
  assert.equal(judgeUpgrade(hop, { ...pass, status: 101, upgraded: true }).result, 'ok')
  assert.match(judgeUpgrade(hop, pass).sentence, /What stands in front .* drops the Upgrade/)
  assert.match(judgeUpgrade(hop, { ...pass, status: 400 }).sentence, /with status 400/)
  assert.match(judgeUpgrade(hop, { reason: 'socket hang up' }).sentence, /breaks off/)
})

const certificate = { fingerprint: 'AA', subject: 'CN=front' }
const target = { name: 'probe-1', what: 'the probe', fingerprint: 'BB' } as const
const front = { to: { host: 'x.org', port: 443 }, name: 'What stands in front', own: false }
const closed: HelloAnswer = { kind: 'closed' }

test('TLS: only a name that somebody has comes through', () => {
  const reached: HelloAnswer = { kind: 'tls', certificate: { fingerprint: 'BB', subject: '' } }
  assert.equal(judgeTunnel(front, closed, target, reached).result, 'ok')
  assert.match(judgeTunnel(front, closed, target, closed).sentence, /closes TLS for the probe/)
  const elsewhere: HelloAnswer = { kind: 'tls', certificate }
  assert.match(judgeTunnel(front, closed, target, elsewhere).sentence, /leads to somebody else/)
  assert.equal(judgeTunnel(front, closed, null, null).result, 'warning')
})

test('TLS: who answers a name that nobody has is in the way', () => {
  const cases: readonly [HelloAnswer, RegExp][] = [
    [{ kind: 'tls', certificate }, /answers TLS itself, with the certificate of CN=front/],
    [{ kind: 'not-tls', text: 'HTTP/1.1 400' }, /takes no TLS: .*"HTTP\/1\.1 400"/],
    [{ kind: 'silent' }, /says nothing to/],
    [{ kind: 'refused', reason: 'alert 112' }, /refuses .*alert 112/],
    [{ kind: 'unreachable', reason: 'ECONNREFUSED' }, /cannot be reached: ECONNREFUSED/],
  ]
  for (const [unknown, sentence] of cases) {
    const found = judgeTunnel(front, unknown, target, closed)
    assert.equal(found.result, 'failed')
    assert.match(found.sentence, sentence)
  }
})

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a TLS hello to real servers', async () => {
  const signal = AbortSignal.timeout(20_000)
  const hello = (port: number, limit = signal) =>
    sayHello({ host: '127.0.0.1', port }, 'daskgateway-x', limit)
  const { certPem, keyPem } = await createKeyPair(['somebody'])
  const names: string[] = []
  const sni = {
    SNICallback: (name: string, done: (error: null) => void) => {
      names.push(name)
      done(null)
    },
  }
  const options = { cert: certPem, key: keyPem, ca: certPem, requestCert: true, ...sni }
  const tls = createTlsServer(options).on('tlsClientError', () => {})
  // Closes without a certificate of the client, as a scheduler does.
  const tlsPort = await listening(tls)
  const answer = await hello(tlsPort)
  assert.deepEqual(answer, {
    kind: 'tls',
    certificate: { fingerprint: fingerprintOf(certPem), subject: 'CN=dask-internal' },
  })

  const closing = createServer((socket) => socket.once('data', () => socket.destroy()))
  assert.deepEqual(await hello(await listening(closing)), { kind: 'closed' })
  const http = createHttpServer()
  const answered = await hello(await listening(http))
  assert.deepEqual(answered, { kind: 'not-tls', text: 'HTTP/1.1 400 Bad Request' })
  const silent = createServer((socket) => socket.resume())
  const silentPort = await listening(silent)
  assert.deepEqual(await hello(silentPort, AbortSignal.timeout(50)), { kind: 'silent' })
  for (const server of [tls, closing, http, silent]) server.close()
  await once(silent, 'close')
  assert.equal((await hello(silentPort)).kind, 'unreachable')
  assert.deepEqual(names, ['daskgateway-x'])
})

test('HTTP and WebSocket against a server that is no gateway', async () => {
  const server = createHttpServer((_request, response) => response.end('hello'))
  const port = await listening(server)
  const at = placeOf(`http://127.0.0.1:${port}`)
  assert.ok(at !== null)
  const there = { ...hop, place: at }
  const signal = AbortSignal.timeout(20_000)
  assert.match((await checkHttp(there, signal)).sentence, /does not lead to the gateway/)
  assert.match((await checkUpgrade(there, signal)).sentence, /answers a WebSocket with status 200/)
  server.close()
  server.closeAllConnections()
})

test('ports: ours, another program, another account', () => {
  const address = { host: '', port: 8000 }
  const port = { setting: 'Proxy.address', address, holder: 'proxy' } as const
  const tell = (pid: number) =>
    pid === 7 ? '/n/node /p/dist/cli/managed-proxy.js' : 'python -m http'
  const judge = (gateway: number | null, pids: readonly number[]) =>
    judgeListeners(port, gateway, [{ uid: 1000, pids }], tell)
  assert.equal(judge(5, [7]).result, 'ok')
  assert.equal(judge(null, [7]).result, 'warning')
  assert.match(judge(5, [8]).sentence, /held by process 8 \(python -m http\)/)
  assert.equal(judge(null, [8]).result, 'failed')
  assert.equal(judge(5, []).result, 'warning')
  assert.match(judge(null, []).sentence, /uid 1000/)
  const own = { ...port, holder: 'gateway' as const }
  assert.equal(judgeListeners(own, 5, [{ uid: 1, pids: [5] }], tell).result, 'ok')
  assert.equal(judgeListeners(own, 5, [{ uid: 1, pids: [6] }], tell).result, 'failed')
})

test('the Python behind a program', () => {
  const cases: readonly [string, readonly string[] | null][] = [
    ['#!/opt/env/bin/python3.11\nimport', ['/opt/env/bin/python3.11']],
    ['#! /usr/bin/python -s\n', ['/usr/bin/python']],
    ['#!/usr/bin/env python3\n', ['/usr/bin/env', 'python3']],
    ['#!/usr/bin/env -S python3 -u\n', ['/usr/bin/env', 'python3']],
    [`#!/bin/sh\n'''exec' "/a b/bin/python" "$0" "$@"\n' '''\n`, ['/a b/bin/python']],
    ["#!/bin/sh\n'''exec' /long/bin/python3 \"$0\" \"$@\"\n' '''\n", ['/long/bin/python3']],
    ['#!/bin/bash\nexec singularity run x dask "$@"\n', null],
    ['\x7fELF', null],
    ['', null],
  ]
  for (const [text, python] of cases) assert.deepEqual(interpreterIn(text), python, text)
})

test('versions: what is missing, and what to do', () => {
  const all = {
    python: '3.11.2',
    dask: '2026.8.0',
    distributed: '2026.8.0',
    dask_gateway: '1',
    bokeh: '3',
  }
  const judge = (versions: object, note: string | null = null) =>
    judgeVersions('scheduler_cmd runs /e/dask', '/e/python', { ...all, ...versions }, note)
  assert.equal(judge({}).result, 'ok')
  assert.match(judge({}).sentence, /with python 3\.11\.2, dask 2026\.8\.0/)
  const missing = judge({ dask_gateway: null })
  assert.equal(missing.result, 'failed')
  assert.match(missing.sentence, /dask_gateway is missing in its Python, \/e\/python/)
  assert.match(missing.advice ?? '', /\/e\/python -m pip install dask-gateway$/)
  assert.match(judge({ bokeh: null }).sentence, /without bokeh there are no dashboards/)
  assert.equal(judge({}, 'dask-scheduler does not exist').result, 'warning')
  assert.equal(judgePair(all, all).result, 'ok')
  assert.match(judgePair(all, { ...all, dask: '1' }).sentence, /dask: 2026\.8\.0 and 1/)
})

test('orphans: of other instances, of no attempt, of no cluster', () => {
  const id = 'a'.repeat(32)
  const instance = { id, signingKey: Buffer.alloc(0), proxyToken: '', privatePort: null }
  const clusters = [{ name: 'c1', status: 'running', tlsCert: '' }]
  const records = { instance, clusters, attemptIds: new Set(['a1']) }
  const mark = {
    what: 'process 7',
    owner: 1000,
    instanceId: id,
    attemptId: 'a1',
    clusterName: 'c1',
  }
  assert.equal(judgeMarked([mark, { ...mark, attemptId: null }], records).result, 'ok')
  const found = judgeMarked(
    [
      { ...mark, instanceId: 'b'.repeat(32) },
      { ...mark, what: 'process 8', instanceId: 'b'.repeat(32), attemptId: 'a3' },
      { ...mark, attemptId: 'a2' },
      { ...mark, what: 'directory /x', attemptId: null, clusterName: 'c2' },
    ],
    records,
  )
  assert.deepEqual(found.details, [
    `cluster c1 of another instance (${'b'.repeat(32)}): process 7, process 8`,
    'cluster c1, attempt a2, which no record knows: process 7',
    'cluster c2, which no record knows: directory /x',
  ])
  assert.match(judgeMarked([mark], null).details?.[0] ?? '', /another instance/)
  const other = { owner: null, clusterName: null, instanceId: 'b'.repeat(32), attemptId: 'a4' }
  const jobs = Array.from({ length: 22 }, (_, index) => ({ ...other, what: `job 7_${index}` }))
  const old = { ...other, what: 'job 8', instanceId: null, attemptId: null }
  const stray = { ...other, what: 'job 9', instanceId: id, attemptId: 'a2' }
  const told = judgeMarked([...jobs, old, stray], records).details ?? []
  assert.equal(told[0], 'attempt a2, which no record knows: job 9')
  assert.match(told[1] ?? '', /^clusters of another instance .*: job 7_0, .*job 7_19, and 2 more$/)
  assert.deepEqual(told.slice(2), ['named as by the old server: job 8'])
})

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { createKeyPair } from '../../../util/index.ts'
import { askProbe, judgeApi, judgePython, type ProbeReport, reportInLog } from './probe-report.ts'

const report: ProbeReport = {
  ...{ host: 'n0', port: 40_000, address: '10.0.0.7', python: '/env/bin/python (Python 3.12.1)' },
  packages: { dask: '2026.8.0', distributed: '2026.8.0', dask_gateway: '2026.3.0', bokeh: '3' },
  api: { status: 200, text: '{"status":"pass"}', error: null },
}
const signal = AbortSignal.timeout(60_000)

test('a report is found among what setups print, and nothing else is taken for one', () => {
  const log = `hello\ndask-gateway-probe: ${JSON.stringify(report)}\nbye\n`
  assert.deepEqual(reportInLog(log), report)
  assert.equal(reportInLog('dask-gateway-probe: {"host": 1}\n'), null)
  assert.equal(reportInLog(''), null)
})

test('the API is told from other servers, and from none', () => {
  const with_ = (api: ProbeReport['api']) => judgeApi({ ...report, api }, 'http://gate:8000/api')
  assert.equal(with_(report.api).result, 'ok')
  assert.equal(with_({ status: 503, text: '{"status": "fail"}', error: null }).result, 'ok')
  assert.match(with_({ status: 200, text: '<html>', error: null }).sentence, /something else/)
  const none = with_({ status: null, text: '', error: 'timed out' })
  assert.match(none.sentence, /^Node n0 does not reach .*: timed out$/)
  assert.match(none.advice ?? '', /c\.Backend\.api_url/)
})

test('what is missing in a Python is named', () => {
  assert.equal(judgePython(report, 'SlurmClusterConfig').result, 'ok')
  const packages = { ...report.packages, bokeh: null }
  assert.equal(judgePython({ ...report, packages }, 'SlurmClusterConfig').result, 'warning')
  const none = judgePython(
    { ...report, packages: { ...packages, dask_gateway: null } },
    'SlurmClusterConfig',
  )
  assert.match(none.sentence, /dask_gateway is missing: no cluster can start/)
  assert.match(none.advice ?? '', /pip install dask-gateway;/)
})

test('only who has the certificate is asked', async (t) => {
  const { certPem: cert, keyPem: key } = await createKeyPair(['probe'])
  const server = createServer({ cert, key }, (socket) => socket.end(JSON.stringify(report)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const place = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const { fingerprint256: fingerprint } = new X509Certificate(cert)
  assert.deepEqual(await askProbe({ ...place, fingerprint }, signal), report)
  assert.equal(
    await askProbe({ ...place, fingerprint: 'other' }, signal),
    'somebody else answers there',
  )
  assert.match(String(await askProbe({ ...place, port: 1, fingerprint }, signal)), /ECONNREFUSED/)
})

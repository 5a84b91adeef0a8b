import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import {
  answerTo,
  askPrivate,
  askPublic,
  basic,
  connectAsUser,
  startTestApi,
} from '../../test/support/test-api.ts'
import { createKeyPair } from '../util/index.ts'
import { openTlsCertificate } from './index.ts'

async function certificateFiles(directory: string, name: string) {
  const pair = await createKeyPair([name])
  const certPath = join(directory, 'cert.pem')
  const keyPath = join(directory, 'key.pem')
  await Promise.all([writeFile(certPath, pair.certPem), writeFile(keyPath, pair.keyPem)])
  return { certPath, keyPath }
}

test('HTTPS by the same door, plain HTTP is sent there, and a renewed certificate is used', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-tls-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const files = await certificateFiles(directory, 'first')
  let time = 0
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  const logger = { debug: log, info: log, warn: log, error: log, with: () => logger }
  const certificate = await openTlsCertificate(files, logger, () => time)
  const it = await startTestApi(t, { certificate, prefix: '/gateway' })

  async function overTls(headers: object) {
    const tls = connectTls({ socket: connectAsUser(it), rejectUnauthorized: false })
    await once(tls, 'secureConnect')
    const fingerprint = tls.getPeerCertificate().fingerprint256
    const answer = await answerTo(
      '/gateway/api/v1/options',
      { headers: { ...headers } },
      { createConnection: () => tls },
    )
    return { fingerprint, answer }
  }

  const { fingerprint, answer } = await overTls(basic('alice'))
  assert.equal(answer.status, 200)
  assert.match(String(answer.headers['set-cookie']), /; Secure$/)

  const plain = await askPublic(it, '/gateway/api/v1/options?x=1')
  assert.equal(plain.status, 308)
  assert.equal(plain.headers.location, 'https://gateway.test:8000/gateway/api/v1/options?x=1')
  const odd = await askPublic(it, '/gateway/', { headers: { host: 'evil.test/@x' } })
  assert.equal(odd.status, 400)
  assert.equal((await askPrivate(it, '/api/health')).status, 200)

  await certificateFiles(directory, 'second')
  await certificate.reload()
  const renewed = await overTls(basic('alice'))
  assert.notEqual(renewed.fingerprint, fingerprint)

  await writeFile(files.keyPath, 'garbage')
  time += 60_000
  certificate.context()
  while (!lines.some((line) => line.startsWith('The old certificate stays'))) {
    await new Promise(setImmediate)
  }
  assert.equal((await overTls(basic('alice'))).fingerprint, renewed.fingerprint)
  await assert.rejects(openTlsCertificate(files, logger), /Cannot use Proxy.tls_cert = /)
})

test('a TLS hello without a certificate of ours is closed', async (t) => {
  const it = await startTestApi(t)
  const tls = connectTls({ socket: connectAsUser(it), rejectUnauthorized: false })
  await assert.rejects(once(tls, 'secureConnect'))
})

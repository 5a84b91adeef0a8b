import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
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
import { connectAs, runPython } from './run-python.ts'
import { certificateConfig, writeCertificate } from './write-certificate.ts'

// The public address in all its forms: below a path, on two ports, with HTTPS.

const password = 'a password of the tests'
const config = `
c.SimpleAuthenticator.password = "${password}"
c.UnsafeLocalBackend.sigint_timeout = 3
`
const connected = connectAs('alice', password)

const directory = workingDirectory('addresses')
let gateway: RunningGateway | null = null
afterEach(async (context) => {
  if (gateway === null) return
  keepLog(`addresses-${context?.name ?? ''}`.replace(/\W+/g, '-').slice(0, 60), gateway.log())
  const status = await gateway.stop()
  gateway = null
  assert.equal(status, 0)
})
after(() => directory.remove())

test('below a path everything works, and outside of it there is nothing', async () => {
  const prefix = '/services/dask-gateway'
  const port = await freePort()
  gateway = await startGateway({ directory: directory.path, port, prefix, config })
  const program = `${connected}
with gateway.new_cluster() as cluster:
    cluster.scale(2)
    client = cluster.get_client()
    client.wait_for_workers(2, timeout=60)
    assert client.submit(sum, [1, 2, 3]).result(timeout=60) == 6
    cluster.scale(1)
    print("link", cluster.dashboard_link)
    sys.stdin.readline()
    client.close()
print("done")
`
  const client = runPython(program, gateway.address)
  await client.printed('link ')
  const link = /^link (.*)$/m.exec(client.output())?.[1] ?? ''
  assert.match(link, new RegExp(`^${gateway.address}/clusters/\\w{32}/status$`))
  const headers = { ...basic('alice', password), accept: 'text/html' }
  const entered = await ask(link, { headers })
  assert.equal(entered.status, 302)
  const location = entered.headers.location ?? ''
  assert.match(location, new RegExp(`^${prefix}/clusters/\\w{32}/~s\\.owner\\.[^/]+/status$`))
  const page = await ask(`http://127.0.0.1:${port}${location}`)
  assert.equal(page.status, 200)
  assert.match(page.text, /id="status-workers-memory"/)

  const outside = `http://127.0.0.1:${port}`
  const paths = ['/', '/login', '/readyz', '/api/v1/clusters/', new URL(link).pathname]
  for (const path of [
    ...paths.map((each) => each.replace(prefix, '')),
    `${prefix}s/api/v1/options`,
  ])
    assert.equal((await ask(outside + path, { headers })).status, 404, path)
  for (const path of ['', '/', '/readyz', '/api/v1/clusters/'])
    assert.notEqual((await ask(outside + prefix + path, { headers })).status, 404, path)
  client.write('go on')
  assert.match(await client.ended, /done/)
})

test('with two ports, one takes HTTP only and the other tunnels only', async () => {
  const port = await freePort()
  const tcpPort = await freePort()
  gateway = await startGateway({
    ...{ directory: directory.path, port },
    config: `${config}c.Proxy.tcp_address = "127.0.0.1:${tcpPort}"`,
  })
  const program = `${connected}
with Gateway(os.environ["ADDRESS"], proxy_address=${tcpPort}, auth=gateway.auth) as other:
    with other.new_cluster() as cluster:
        cluster.scale(1)
        with cluster.get_client() as client:
            assert client.submit(sum, [1, 2, 3]).result(timeout=60) == 6
            print("name", cluster.name, "computed")
            sys.stdin.readline()
print("done")
`
  const client = runPython(program, gateway.address)
  await client.printed('computed')
  const name = /name (\w+)/.exec(client.output())?.[1] ?? ''

  assert.equal(await answerTo(tcpPort, 'GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n'), '')
  assert.equal(await tunnels(tcpPort, name), true)
  assert.equal(await tunnels(port, name), false)
  client.write('go on')
  assert.match(await client.ended, /done/)
})

test('HTTPS: the client, its schedulers, plain HTTP, and a renewed certificate', async () => {
  const port = await freePort()
  const first = writeCertificate(directory.path)
  const trusted = join(directory.path, 'ca.pem')
  const ca = readFileSync(trusted, 'utf8')
  const certificate = `
${certificateConfig(directory.path)}
c.DBBackendBase.cluster_heartbeat_period = 1
`
  gateway = await startGateway({
    directory: directory.path,
    port,
    ca,
    config: config + certificate,
  })
  assert.match(gateway.address, /^https:/)
  const program = `${connected}
with gateway.new_cluster() as cluster:
    cluster.scale(1)
    client = cluster.get_client()
    assert client.submit(sum, [1, 2, 3]).result(timeout=60) == 6
    import time
    comm = client.scheduler_comm.comm
    future = client.submit(time.sleep, 3, pure=False)
    print("computed", cluster.dashboard_link)
    sys.stdin.readline()
    assert future.result(timeout=60) is None
    assert client.submit(sum, [4, 5, 6]).result(timeout=60) == 15
    # Still the tunnel of before.
    assert client.scheduler_comm.comm is comm and not comm.closed()
    client.close()
    assert [c.status.name for c in gateway.list_clusters()] == ["RUNNING"]
print("done")
`
  const client = runPython(program, gateway.address, { SSL_CERT_FILE: trusted })
  await client.printed('computed https://')

  const plain = await ask(`http://127.0.0.1:${port}/api/v1/options?x=1`)
  assert.equal(plain.status, 308)
  assert.equal(plain.headers.location, `https://127.0.0.1:${port}/api/v1/options?x=1`)
  const answer = await ask(`${gateway.address}/api/v1/options`, {
    ...{ ca, headers: basic('alice', password) },
  })
  assert.equal(answer.status, 200)
  assert.match(String(answer.headers['set-cookie']), /HttpOnly.*; Secure$/)

  const kept = connectTls({ host: '127.0.0.1', port, ca })
  await once(kept, 'secureConnect')
  kept.write('GET /api/health HTTP/1.1\r\nHost: x\r\n')
  assert.equal(kept.getPeerX509Certificate()?.fingerprint256, first)
  const renewed = writeCertificate(directory.path)
  assert.notEqual(renewed, first)
  gateway.signal('SIGHUP')
  const { log } = gateway
  await waitFor('the new certificate', () => log().includes('SIGHUP: configuration and'))
  const later = connectTls({ host: '127.0.0.1', port, ca })
  await once(later, 'secureConnect')
  assert.equal(later.getPeerX509Certificate()?.fingerprint256, renewed)
  later.destroy()
  kept.write('Connection: close\r\n\r\n')
  assert.match(await text(kept), /^HTTP\/1\.1 200 /)
  client.write('go on')
  assert.match(await client.ended, /done/)
})

/** Everything that comes back until the other side closes. */
async function answerTo(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setTimeout(30_000, () =>
    socket.destroy(new Error('it was not closed')),
  )
  socket.write(bytes)
  return text(socket).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') return ''
    throw error
  })
}

/** Whether a TLS hello for a cluster reaches its scheduler (which asks for a certificate that we lack). */
async function tunnels(port: number, clusterName: string): Promise<boolean> {
  const socket = connectTls({
    ...{ host: '127.0.0.1', port, rejectUnauthorized: false },
    servername: `daskgateway-${clusterName}`,
  }).setTimeout(30_000, () => socket.destroy(new Error('no answer')))
  try {
    await once(socket, 'secureConnect')
    return /CN=dask/.test(socket.getPeerX509Certificate()?.subject ?? '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    return false
  } finally {
    socket.on('error', () => {}).destroy()
  }
}

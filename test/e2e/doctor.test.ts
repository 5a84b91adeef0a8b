import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { createKeyPair } from '../../src/util/index.ts'
import { waitFor } from '../fakes/wait-for.ts'
import {
  freePort,
  keepLog,
  makeDirectory,
  python,
  type RunningGateway,
  root,
  startGateway,
  workingDirectory,
  writeConfiguration,
} from './harness.ts'
import { runPython } from './run-python.ts'

// `dask-gateway-server doctor` where all is well, where things are broken, and behind a real HAProxy.

interface Report {
  readonly result: string
  readonly checks: readonly {
    readonly name: string
    readonly result: string
    readonly sentence: string
    readonly advice: string | null
    readonly details: readonly string[]
  }[]
}

interface Ran {
  readonly status: number
  readonly report: Report
  readonly output: string
  /** The check of that name. */
  of(name: string): Report['checks'][number]
}

const directory = workingDirectory('doctor')
const file = join(directory.path, 'dask_gateway_config.py')
after(() => directory.remove())

async function doctor(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const json = words.includes('--text') ? [] : ['--json']
  const child = spawn(
    join(root, 'test/e2e/as-nobody'),
    [
      join(root, 'bin/dask-gateway-server'),
      ...['doctor', ...json, ...words.filter((word) => word !== '--text')],
    ],
    {
      cwd: directory.path,
      timeout: 150_000,
      env: {
        ...{ PATH: `${join(python, '..')}:/usr/bin:/bin`, LANG: 'C.UTF-8', HOME: directory.path },
        ...env,
      },
    },
  )
  const [output, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  keepLog('doctor', output + errors)
  const report: Report = json.length > 0 ? JSON.parse(output) : { result: '', checks: [] }
  return {
    ...{ status, report, output: output + errors },
    of(name) {
      const found = report.checks.find((each) => each.name === name)
      assert.ok(found !== undefined, `no check ${name} in ${output}${errors}`)
      return found
    },
  }
}

/** All names of checks with a result. */
const named = ({ report }: Ran, result: string) =>
  report.checks.filter((each) => each.result === result).map((each) => each.name)

const password = 'a password of the tests'
const config = `c.SimpleAuthenticator.password = "${password}"`

describe('before anything runs', () => {
  test('free ports, no records, nothing is made', async () => {
    const port = await freePort()
    writeConfiguration({ directory: directory.path, port, config })
    const found = await doctor(['-f', file])
    assert.equal(found.status, 0, found.output)
    assert.deepEqual(named(found, 'failed'), [])
    assert.match(found.of('records').sentence, /is not there yet/)
    assert.match(found.of('running').sentence, /No gateway runs on/)
    assert.match(found.of(`port ${port}`).sentence, /is free/)
    assert.match(found.of('python').sentence, /reads the configuration/)
    assert.match(found.of('scheduler_cmd').sentence, /dask 20\d\d.* dask_gateway 20\d\d.* bokeh /)
    assert.deepEqual(
      readdirSync(directory.path).filter((name) => /sqlite/.test(name)),
      [],
    )
  })

  test('a configuration that does not load is one failed check', async () => {
    writeFileSync(file, 'c.Proxy.address = (\n')
    const found = await doctor(['-f', file])
    assert.equal(found.status, 1)
    assert.deepEqual(named(found, 'failed'), ['configuration'])
    assert.match(found.of('configuration').sentence, /line 1: syntax error/)
  })

  test('a port of another program, a Python without Dask, a command that is not there', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { readonly port: number }
    const bare = join(directory.path, 'bare')
    makeDirectory(bare)
    execFileSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', bare])
    writeFileSync(join(bare, 'bin/dask'), `#!${bare}/bin/python\n`, { mode: 0o755 })
    writeConfiguration({
      ...{ directory: directory.path, port },
      config: `
c.ClusterConfig.scheduler_cmd = "${bare}/bin/dask scheduler"
c.ClusterConfig.worker_cmd = "/nowhere/worker"`,
    })
    const found = await doctor(['-f', file])
    other.close()
    assert.equal(found.status, 1)
    assert.deepEqual(named(found, 'failed'), [`port ${port}`, 'scheduler_cmd', 'worker_cmd'])
    const scheduler = found.of('scheduler_cmd')
    assert.match(scheduler.sentence, /dask, distributed, dask_gateway are missing in its Python/)
    assert.match(scheduler.advice ?? '', /bare\/bin\/python -m pip install dask distributed/)
    assert.match(found.of('worker_cmd').sentence, /\/nowhere\/worker' is not a program/)
  })

  test('what is wrong on the command line ends it', async () => {
    const found = await doctor(['--text', '--public-address', 'dask.example.org'])
    assert.equal(found.status, 1)
    assert.match(found.output, /--public-address dask\.example\.org: must be a URL/)
  })
})

describe('beside a gateway', () => {
  let gateway: RunningGateway
  let port: number
  let haproxy: ChildProcess | null = null
  const ports = { tcp: 0, tls: 0, http: 0, sni: 0 }

  before(async () => {
    port = await freePort()
    gateway = await startGateway({ directory: directory.path, port, config })
  })

  after(async () => {
    haproxy?.kill('SIGKILL')
    if (haproxy !== null && haproxy.exitCode === null) await once(haproxy, 'exit')
    keepLog('doctor-gateway', gateway.log())
    assert.equal(await gateway.stop(), 0)
  })

  test('all is well, with a probe in the place of a cluster', async () => {
    const found = await doctor(['-f', file, '--probe'])
    assert.equal(found.status, 0, found.output)
    assert.deepEqual(named(found, 'warning'), [], found.output)
    assert.match(found.of('running').sentence, new RegExp(`process ${gateway.pid}`))
    assert.match(found.of(`port ${port}`).sentence, /held by our own proxy/)
    assert.match(found.of('gateway').sentence, /is ready/)
    assert.match(found.of('proxy: WebSocket').sentence, /come through/)
    assert.match(found.of('proxy: TLS').sentence, /comes through .* to the probe/)
    assert.doesNotMatch(gateway.log(), /ERROR/)
  })

  test('for people it is a table', async () => {
    const { output, status } = await doctor(['--text', '-f', file])
    assert.equal(status, 0)
    assert.match(output, /^ok {7}configuration {5}\S+dask_gateway_config\.py loads$/m)
    assert.match(output, /^warning {2}proxy: TLS/m)
    assert.match(output, /\d+ ok, 1 to look at, 0 failed\n$/)
  })

  test('a scheduler is reached by its name, and orphans are named and left alone', async () => {
    const client = runPython(
      `
import os, sys
from dask_gateway import Gateway, BasicAuth
gateway = Gateway(os.environ["ADDRESS"], auth=BasicAuth("alice", "${password}"))
with gateway.new_cluster() as cluster:
    print("runs", cluster.name, flush=True)
    sys.stdin.readline()
`,
      gateway.address,
    )
    await client.printed('runs')
    const instance = 'c'.repeat(32)
    const orphan = spawn(join(root, 'test/e2e/as-nobody'), ['/bin/sleep', '300'], {
      env: { DASK_GATEWAY_MARKER: `${instance}/a1/lost` },
    })
    try {
      const found = await doctor(['-f', file, '--orphans'])
      assert.equal(found.status, 0, found.output)
      assert.match(found.of('proxy: TLS').sentence, /to a scheduler$/)
      assert.match(found.of('records').sentence, /1 of 1 recorded clusters live/)
      assert.deepEqual(named(found, 'warning'), ['orphans'], found.output)
      const { details } = found.of('orphans')
      // Other gateways of this account may run on this machine.
      assert.ok(
        details.includes(`cluster lost of another instance (${instance}): process ${orphan.pid}`),
        found.output,
      )
      const [, name = ''] = /runs (\w+)/.exec(client.output()) ?? []
      assert.deepEqual(
        details.filter((each) => each.includes(name)),
        [],
      )
      assert.equal(orphan.exitCode, null)
    } finally {
      orphan.kill('SIGKILL')
    }
    client.write('go on')
    await client.ended
  })

  test('a key that does not fit is told, and the gateway goes on', async () => {
    const wrong = Buffer.alloc(32, 1).toString('base64')
    const found = await doctor(['-f', file], { DASK_GATEWAY_ENCRYPT_KEYS: wrong })
    assert.equal(found.status, 1)
    assert.match(found.of('records').sentence, /The encryption key does not fit the database/)
  })

  test('behind HAProxy: passed through unopened, and by SNI', async () => {
    haproxy = await startHaproxy()
    const through = await doctor([
      ...['-f', file, '--probe'],
      ...['--public-address', `http://127.0.0.1:${ports.tcp}`],
    ])
    assert.equal(through.status, 0, through.output)
    assert.deepEqual(named(through, 'warning'), [], through.output)
    assert.match(through.of('public: TLS').sentence, new RegExp(`${ports.tcp} to the probe`))

    const bySni = await doctor([
      ...['-f', file, '--probe'],
      ...['--public-address', `https://127.0.0.1:${ports.sni}`],
    ])
    assert.deepEqual(named(bySni, 'failed'), [], bySni.output)
    assert.match(bySni.of('public: HTTP').sentence, /its certificate is not trusted here/)
    assert.equal(bySni.of('public: WebSocket').result, 'ok')
    assert.equal(bySni.of('public: TLS').result, 'ok')
  })

  test('behind HAProxy that ends TLS itself: it is named as what drops SNI', async () => {
    const found = await doctor([
      ...['-f', file, '--probe'],
      ...['--public-address', `https://127.0.0.1:${ports.tls}`],
    ])
    assert.equal(found.status, 1)
    assert.deepEqual(named(found, 'failed'), ['public: TLS'], found.output)
    const { sentence, advice } = found.of('public: TLS')
    assert.match(sentence, /^What stands in front at 127\.0\.0\.1:\d+ answers TLS itself/)
    assert.match(advice ?? '', /req\.ssl_sni -m beg daskgateway-/)

    // With a port of its own for schedulers' traffic, the same address does.
    const own = await doctor([
      ...['-f', file, '--probe', '--public-address', `https://127.0.0.1:${ports.tls}`],
      ...['--public-proxy-address', `127.0.0.1:${ports.tcp}`],
    ])
    assert.deepEqual(named(own, 'failed'), [], own.output)
  })

  test('behind HAProxy that takes HTTP only and drops upgrades', async () => {
    const found = await doctor([
      ...['-f', file, '--probe'],
      ...['--public-address', `http://127.0.0.1:${ports.http}`],
    ])
    assert.equal(found.status, 1)
    assert.deepEqual(named(found, 'failed'), ['public: WebSocket', 'public: TLS'], found.output)
    assert.match(found.of('public: WebSocket').sentence, /in front .* drops the Upgrade header/)
    assert.match(found.of('public: TLS').sentence, /takes no TLS|closes TLS/)
  })

  async function startHaproxy(): Promise<ChildProcess> {
    for (const name of ['tcp', 'tls', 'http', 'sni'] as const) ports[name] = await freePort()
    const { certPem, keyPem } = await createKeyPair(['127.0.0.1'])
    const certificate = join(directory.path, 'front.pem')
    writeFileSync(certificate, certPem + keyPem)
    const configuration = join(directory.path, 'haproxy.cfg')
    writeFileSync(
      configuration,
      `
global
  maxconn 200
defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend passes
  mode tcp
  bind 127.0.0.1:${ports.tcp}
  default_backend gateway_tcp
frontend ends_tls
  mode http
  bind 127.0.0.1:${ports.tls} ssl crt ${certificate}
  default_backend gateway_http
frontend drops_upgrades
  mode http
  bind 127.0.0.1:${ports.http}
  http-request del-header upgrade
  default_backend gateway_http
frontend by_sni
  mode tcp
  bind 127.0.0.1:${ports.sni}
  tcp-request inspect-delay 5s
  tcp-request content accept if { req_ssl_hello_type 1 }
  use_backend gateway_tcp if { req.ssl_sni -m beg daskgateway- }
  default_backend to_ends_tls
backend gateway_tcp
  mode tcp
  server gateway 127.0.0.1:${port}
backend gateway_http
  mode http
  server gateway 127.0.0.1:${port}
backend to_ends_tls
  mode tcp
  server itself 127.0.0.1:${ports.tls}
`,
    )
    const child = spawn('/usr/sbin/haproxy', ['-db', '-f', configuration])
    const output = Promise.all([text(child.stdout), text(child.stderr)])
    child.once('exit', async () => keepLog('doctor-haproxy', (await output).join('\n')))
    await waitFor('HAProxy to listen', () => accepts(ports.sni), 30_000)
    return child
  }
})

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

test('after the gateway has ended, its records are whole and nobody holds them', async () => {
  assert.ok(existsSync(join(directory.path, 'dask_gateway.sqlite')))
  const found = await doctor(['-f', file])
  assert.match(found.of('running').sentence, /No gateway runs/)
  assert.equal(found.of('records').result, 'ok')
})

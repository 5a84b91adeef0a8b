// Run by guide-tree.test.ts on a private machine: guide-tree.scenario.ts PACKAGE.tgz PYTHON. Their
// `$ command` is `sh('command')` here. Throws when something is not as it should be.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'

const [packed, python] = process.argv.slice(2)
if (packed === undefined || python === undefined)
  throw new Error('usage: guide-tree.scenario.ts PACKAGE.tgz PYTHON')
const bin = '/opt/dask-gateway/miniconda/bin'

// The second half runs in a network of its own, where the guides' port is free.
if (process.env.OWN_NETWORK !== 'yes') {
  createUserAccount()
  createInstallDirectories()
  installPythonEnvironment()
  installGateway()
  configure()
  const inside = spawnSync(
    'unshare',
    ['--net', process.execPath, import.meta.filename, packed, python],
    { stdio: 'inherit', env: { ...process.env, OWN_NETWORK: 'yes' } },
  )
  process.exit(inside.status ?? 1)
}
startLoopback()
const gateway = await start()
validate('dask')
examine()
await stop(gateway)
await runAsServices()
await runAsRoot()
process.exit(0)

/** "Create a user account". Debian's adduser asks without these two options. */
function createUserAccount(): void {
  sh("adduser --quiet --disabled-password --gecos '' dask")
  // Somebody who uses it.
  sh("adduser --quiet --disabled-password --gecos '' alice")
}

/** "Create install directories", word for word. */
function createInstallDirectories(): void {
  sh('mkdir -p /opt/dask-gateway')
  sh('mkdir /etc/dask-gateway')
  sh('mkdir /var/dask-gateway')
  sh('chown dask /var/dask-gateway')
}

/**
 * "Install a python environment": in place of miniconda a virtual environment at its place, with the packages of the tests' own:
 * its folder is lent, as an installation from the network would take minutes.
 */
function installPythonEnvironment(): void {
  sh('/usr/bin/python3 -m venv --without-pip /opt/dask-gateway/miniconda')
  const program = 'import sysconfig; print(sysconfig.get_path("purelib"))'
  const [from, to] = [String(python), `${bin}/python`].map((each) =>
    execFileSync(each, ['-c', program], { encoding: 'utf8' }).trim(),
  )
  sh(`mount --bind '${from}' '${to}'`)
  const script = readFileSync(join(String(python), '../dask'), 'utf8')
  writeFileSync(`${bin}/dask`, script.replace(/^#!.*/, `#!${bin}/python`), { mode: 0o755 })
  appendFileSync('/root/.bashrc', 'export PATH="/opt/dask-gateway/miniconda/bin:$PATH"\n')
}

/** "Install dask-gateway-server": `npm install` in place of `conda install`. */
function installGateway(): void {
  const options = '--ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error'
  sh(`npm install -g --prefix /opt/dask-gateway/miniconda ${options} '${packed}'`)
}

/** "Configure dask-gateway-server", with the backend for one machine; the rest of the guides' example as it is. */
function configure(): void {
  writeFileSync(
    '/etc/dask-gateway/dask_gateway_config.py',
    `# Configure the gateway to use this machine as the backend
c.DaskGateway.backend_class = (
    "dask_gateway_server.backends.local.UnsafeLocalBackend"
)

# The resource limits for a worker
c.ClusterConfig.worker_memory = '4 G'
c.ClusterConfig.worker_cores = 2

# Increase startup timeouts to 5 min (600 seconds) each
c.DBBackendBase.cluster_start_timeout = 600
c.DBBackendBase.worker_start_timeout = 600
`,
  )
  writeFileSync(
    '/opt/dask-gateway/start-dask-gateway',
    `#!/usr/bin/env bash

export PATH="/opt/dask-gateway/miniconda/bin:$PATH"
cd /var/dask-gateway
dask-gateway-server -f /etc/dask-gateway/dask_gateway_config.py
`,
  )
  chmodSync('/opt/dask-gateway/start-dask-gateway', 0o755)
  appendFileSync('/etc/hosts', '127.0.0.1 public-address\n')
}

/** ip(8) need not be installed: SIOCSIFFLAGS of netdevice(7), IFF_UP and IFF_RUNNING. */
function startLoopback(): void {
  const program = `import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 0x41))`
  execFileSync('/usr/bin/python3', ['-c', program])
}

/** As deploy/ has it: gateway and proxy as services, under all the limits of their units. */
async function runAsServices(): Promise<void> {
  appendFileSync(
    '/etc/dask-gateway/dask_gateway_config.py',
    'c.DaskGateway.address = "127.0.0.1:8001"\nc.Proxy.externally_managed = True\n',
  )
  assertShut()
  const token = { DASK_GATEWAY_PROXY_TOKEN: randomBytes(16).toString('hex') }
  const services = ['dask-gateway-proxy.service', 'dask-gateway.service'].map((unit) =>
    startUnit(unit, token),
  )
  await waitFor('both to be ready', () => answersAt('http://public-address:8000/readyz'), 120_000)
  validate('dask')
  await endAll(services)
}

/** The same with run-as-users.conf and `LocalBackend`: each user's clusters have that user's account. */
async function runAsRoot(): Promise<void> {
  sh('rm -rf /var/dask-gateway/* && chown root /var/dask-gateway')
  appendFileSync(
    '/etc/dask-gateway/dask_gateway_config.py',
    `c.DaskGateway.backend_class = "dask_gateway_server.backends.local.LocalBackend"
c.Proxy.externally_managed = False
`,
  )
  const services = [startUnit('dask-gateway.service,run-as-users.conf', {})]
  await waitFor('it to be ready', () => answersAt('http://public-address:8000/readyz'), 120_000)
  validate('alice')
  await endAll(services)
  assert.deepEqual(processesOf('alice'), [])
}

async function endAll(services: readonly Started[]): Promise<void> {
  for (const { child } of services) child.kill('SIGTERM')
  for (const started of services) {
    await ended(started.child)
    assert.equal(started.child.exitCode, 0, started.printed())
  }
  await waitFor('all processes of dask to end', () => processesOf('dask').length === 0, 30_000)
}

/** That the limits are there: each of these is refused, and would not be without them. */
function assertShut(): void {
  const program = `
import errno, os, socket
def refused(what, number):
    try:
        what()
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError("was not refused")
assert os.getuid() == ${uidOf('dask')}
os.close(os.open("/var/dask-gateway", os.O_TMPFILE | os.O_RDWR))
refused(lambda: open("/home/dask/file", "w"), errno.EROFS)
refused(lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM), errno.EPERM)
refused(lambda: os.listdir("/proc/1"), errno.ENOENT)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
assert libc.sethostname(b"x", 1) == -1 and libc.prctl(39, 0, 0, 0, 0) == 1
print("shut")
`
  const unit = join(import.meta.dirname, '../../deploy/dask-gateway.service')
  const words = [
    join(import.meta.dirname, 'as-service.py'),
    unit,
    '/usr/bin/python3',
    '-c',
    program,
  ]
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  const printed = execFileSync('/usr/bin/python3', words, { encoding: 'utf8', env })
  assert.equal(printed, 'shut\n')
}

function startUnit(units: string, token: { readonly [name: string]: string }): Started {
  const paths = units.split(',').map((name) => join(import.meta.dirname, '../../deploy', name))
  const text = readFileSync(String(paths[0]), 'utf8')
  const [, command = ''] = /^ExecStart=(.*)$/m.exec(text) ?? []
  const [, searched = ''] = /^Environment=PATH=(.*)$/m.exec(text) ?? []
  const words = [join(import.meta.dirname, 'as-service.py'), paths.join(), ...command.split(' ')]
  return collected(
    spawn('/usr/bin/python3', words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${searched}:/usr/sbin:/sbin`, LANG: 'C.UTF-8', ...token },
    }),
  )
}

async function answersAt(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(20_000) }).then(
    ({ status }) => status === 200,
    () => false,
  )
}

interface Started {
  readonly child: ChildProcess
  printed(): string
}

/** "Start dask-gateway-server", as the guides do for testing. */
async function start(): Promise<Started> {
  const words = 'cd /var/dask-gateway && sudo -iu dask /opt/dask-gateway/start-dask-gateway'
  const child = spawn('/bin/sh', ['-c', words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const started = collected(child)
  await waitFor(
    'the gateway to be ready',
    () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`)
      return started.printed().includes('is ready at http://')
    },
    120_000,
  )
  return started
}

function collected(child: ChildProcess): Started {
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk
      process.stdout.write(chunk)
    })
  return { child, printed: () => printed }
}

async function ended(child: ChildProcess): Promise<void> {
  await waitFor('the end', () => child.exitCode !== null || child.signalCode !== null, 90_000)
}

/** "Validate things are working", with the answers that the guide promises; and a computation. */
function validate(account: string): void {
  const program = `
import os
from dask_gateway import Gateway
gateway = Gateway("http://public-address:8000")

clusters = gateway.list_clusters()
assert clusters == [], clusters

cluster = gateway.new_cluster()

client = cluster.get_client()

cluster.scale(1)
assert client.submit(sum, [1, 2, 3]).result(timeout=120) == 6
uid = client.run_on_scheduler(os.getuid)

cluster.shutdown()
print("uid", uid)
`
  const printed = execFileSync('sudo', ['-iu', 'alice', `${bin}/python`, '-'], {
    input: program,
    encoding: 'utf8',
    timeout: 180_000,
  })
  assert.match(printed, new RegExp(`uid ${uidOf(account)}\\b`), printed)
}

/** The doctor finds nothing wrong, and what the gateway keeps is for its own user alone. */
function examine(): void {
  const words = `export PATH=${bin}:$PATH; cd /var/dask-gateway; dask-gateway-server doctor -f /etc/dask-gateway/dask_gateway_config.py --probe --public-address http://public-address:8000`
  const { stdout, status } = spawnSync('sudo', ['-iu', 'dask', 'sh', '-c', words], {
    encoding: 'utf8',
    timeout: 150_000,
  })
  process.stdout.write(stdout)
  assert.equal(status, 0)
  assert.match(stdout, / ok, 0 to look at, 0 failed\n$/)

  const uid = uidOf('dask')
  for (const name of readdirSync('/var/dask-gateway')) {
    const { uid: owner, mode } = lstatSync(join('/var/dask-gateway', name))
    assert.deepEqual([owner, mode & 0o077], [uid, 0], name)
  }
  for (const path of ['/opt/dask-gateway', '/etc/dask-gateway', `${bin}/dask-gateway-server`])
    assert.equal(statSync(path).uid, 0, `${path} is root's: its user cannot change what runs`)
}

/** As a process manager does: SIGTERM to the gateway itself, since the guides' script does not pass it on. */
async function stop({ child, printed }: Started): Promise<void> {
  const pids = processesOf('dask').filter(([, words]) => words.includes('/dist/cli/main.js'))
  assert.equal(pids.length, 1, JSON.stringify(processesOf('dask')))
  process.kill(Number(pids[0]?.[0]), 'SIGTERM')
  await ended(child)
  assert.equal(child.exitCode, 0, printed())
  await waitFor('all processes of dask to end', () => processesOf('dask').length === 0, 30_000)
}

function uidOf(name: string): number {
  return Number(execFileSync('id', ['-u', name], { encoding: 'utf8' }))
}

function processesOf(name: string): readonly (readonly [string, string])[] {
  return execFileSync('ps', ['-eo', 'user:32=,pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([user, , stat]) => user === name && !stat?.startsWith('Z'))
    .map(([, pid = '', , ...words]) => [pid, words.join(' ')])
}

/** As root, as the guides' `$` lines are. */
function sh(command: string): void {
  const env = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_/i.test(name))
  execFileSync('/bin/bash', ['-euc', command], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 300_000,
    env: { ...Object.fromEntries(env), PATH: `/usr/sbin:/sbin:${process.env.PATH}` },
  })
}

// Run by guide.test.ts on a machine with a Slurm: guide.scenario.ts PREFIX PYTHON. PREFIX is where the package was installed
// outside. Throws when something is not as it should be.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'
import { as, configurationFile, guideSudoers, lendPython } from '../support/job-queue-tree.ts'

const [installed = '', python = ''] = process.argv.slice(2)
const page = readFileSync(join(import.meta.dirname, '../../docs/install-jobqueue.md'), 'utf8')

// The accounts of the machine, but for those that the guides make.
execFileSync('userdel', ['--remove', 'dask'], { stdio: 'ignore' })
for (const user of ['alice', 'bob']) execFileSync('gpasswd', ['--delete', user, 'dask_users'])
lendSharedPython()

await step('the page, to the end of its uninstall', followPage)
await step("the old server's guide", followOldGuide)
process.exit(0)

async function step(title: string, act: () => Promise<void>): Promise<void> {
  const begun = performance.now()
  await act()
  console.log(`${title}: ${Math.round(performance.now() - begun)} ms`)
}

async function followPage(): Promise<void> {
  const [accounts, check, sudoers, configured] = blocks('sh root')
  sh(accounts)
  placePackage()
  const checked = sh(check)
  assert.match(checked, /^\d+\.\d+\.\d+\n$/, 'a version, and nothing that others may change')
  assert.match(sh(sudoers), /^\{"ok":true,/m)
  const [forSlurm = ''] = blocks('python configuration')
  writeFileSync(configurationFile, forSlurm)
  assert.match(sh(configured), /SlurmBackend/)
  const gateway = await start(blocks('sh start')[0])
  const examined = sh(blocks('sh doctor')[0])
  assert.match(examined, / ok, 0 to look at, 0 failed\n$/, examined)
  runSession(blocks('python session')[0] ?? '')
  await waitFor('nothing of clusters', () => leftOfClusters().length === 0, 60_000)
  await stop(gateway)
  sh(blocks('sh uninstall')[0]?.replace('rm -rf /opt/dask-gateway ', 'rm -rf '))
  execFileSync('umount', ['/opt/dask-gateway/miniconda'])
  for (const place of ['/etc/dask-gateway', '/var/dask-gateway', '/home/dask'])
    assert.ok(!existsSync(place), place)
}

/**
 * The old server's guide where the page differs from it: its commands, its sudoers, its start script, its commands for the
 * scheduler that Dask no longer has, and "Validate things are working". `npm install` stands for the lines of conda.
 */
async function followOldGuide(): Promise<void> {
  sh("adduser --quiet --disabled-password --gecos '' dask; usermod -aG dask_users alice")
  sh(
    'mkdir -p /opt/dask-gateway; mkdir /etc/dask-gateway; mkdir /var/dask-gateway; chown dask /var/dask-gateway',
  )
  placePackage()
  writeFileSync('/etc/sudoers.d/dask', guideSudoers, { mode: 0o440 })
  lendPython('alice', python)
  writeFileSync(
    configurationFile,
    `
# Configure the gateway to use Slurm as the backend
c.DaskGateway.backend_class = "dask_gateway_server.backends.jobqueue.slurm.SlurmBackend"

# Configure the paths to the dask-scheduler/dask-worker CLIs
c.SlurmClusterConfig.scheduler_cmd = "~/miniconda/bin/dask-scheduler"
c.SlurmClusterConfig.worker_cmd = "~/miniconda/bin/dask-worker"

# Limit resources for a single worker
c.SlurmClusterConfig.worker_memory = '4 G'
c.SlurmClusterConfig.worker_cores = 2

# Increase startup timeouts to 5 min (600 seconds) each
c.JobQueueClusterBackend.cluster_start_timeout = 600
c.JobQueueClusterBackend.worker_start_timeout = 600
`,
  )
  writeFileSync(
    '/opt/dask-gateway/start-dask-gateway',
    `#!/usr/bin/env bash

export PATH="/opt/dask-gateway/miniconda/bin:$PATH"
cd /var/dask-gateway
dask-gateway-server -f /etc/dask-gateway/dask_gateway_config.py
`,
    { mode: 0o755 },
  )
  appendFileSync('/etc/hosts', '10.77.0.1 public-address\n')
  const gateway = await start(
    'cd /var/dask-gateway\nsudo -iu dask /opt/dask-gateway/start-dask-gateway\n',
  )
  // "http://public-address", with the port that the guide leaves to who follows it.
  runSession(`
>>> from dask_gateway import Gateway
>>> gateway = Gateway("http://public-address:8000")
>>> gateway.list_clusters()
[]
>>> cluster = gateway.new_cluster()
>>> client = cluster.get_client()
>>> cluster.shutdown()
`)
  await stop(gateway)
  await waitFor('nothing of clusters', () => leftOfClusters().length === 0, 60_000)
}

/** What `npm install -g --prefix /opt/dask-gateway/miniconda` has made, at its place. */
function placePackage(): void {
  mkdirSync('/opt/dask-gateway/miniconda', { recursive: true })
  execFileSync('mount', ['--bind', installed, '/opt/dask-gateway/miniconda'])
}

/** In place of a virtual environment that all nodes share: the tests' own, behind its own activate. */
function lendSharedPython(): void {
  const folder = '/home/shared/dask/bin'
  mkdirSync(folder, { recursive: true })
  for (const name of ['dask', 'python'])
    writeFileSync(`${folder}/${name}`, `#!/bin/sh\nexec ${dirname(python)}/${name} "$@"\n`, {
      mode: 0o755,
    })
  writeFileSync(`${folder}/activate`, `export PATH="${folder}:$PATH"\n`)
}

/** The texts of the page's blocks of one kind. */
function blocks(kind: string): readonly string[] {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))]
  assert.ok(found.length > 0, `${kind}: no such block`)
  return found.map(([, text = '']) => text)
}

/** As root; what it prints. */
function sh(text: string | undefined): string {
  assert.ok(text !== undefined)
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-euo', 'pipefail', '-c', text], {
    ...{ encoding: 'utf8', timeout: 150_000, cwd: '/' },
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', HOME: '/root' },
  })
  assert.equal(status, 0, `${text}\n${stdout}${stderr}`)
  return stdout
}

interface Started {
  readonly child: ChildProcess
  readonly printed: () => string
}

async function start(text: string | undefined): Promise<Started> {
  const child = spawn('/bin/bash', ['-c', String(text)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk
    })
  await waitFor(
    'the gateway',
    () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended:\n${printed}`)
      return printed.includes('is ready at http://')
    },
    120_000,
  )
  return { child, printed: () => printed }
}

/** As a process manager does: SIGTERM to the gateway itself. */
async function stop({ child, printed }: Started): Promise<void> {
  const pid = execFileSync('pgrep', ['-u', 'dask', '-f', '/dist/cli/main.js'], { encoding: 'utf8' })
  process.kill(Number(pid), 'SIGTERM')
  await waitFor('its end', () => child.exitCode !== null, 90_000)
  assert.equal(child.exitCode, 0, printed())
  const processes = () => spawnSync('pgrep', ['-u', 'dask'], { encoding: 'utf8' }).stdout
  await waitFor('the end of all processes of dask', () => processes() === '', 90_000)
}

/** A Python session as alice, whose answers must be those that are shown. */
function runSession(session: string): void {
  const program =
    'import doctest, sys; sys.exit(min(1, doctest.testfile(sys.argv[1], module_relative=False).failed))'
  writeFileSync('/tmp/session', session, { mode: 0o644 })
  try {
    as('alice', python, '-c', program, '/tmp/session')
  } catch (error) {
    const logs = spawnSync('sh', ['-c', 'tail -n 50 /var/log/slurm/slurmctld.log'], {
      encoding: 'utf8',
    })
    throw new Error(`${String(error)}\n${logs.stdout}`)
  }
}

/** Jobs, and staging directories of clusters. */
function leftOfClusters(): readonly string[] {
  const jobs = execFileSync('squeue', ['--noheader', '--format=%i %j %T'], { encoding: 'utf8' })
  const folder = '/home/alice/.dask-gateway'
  return [...jobs.split('\n').filter(Boolean), ...(existsSync(folder) ? readdirSync(folder) : [])]
}

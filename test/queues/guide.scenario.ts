// Run by guide.test.ts on a machine with a Slurm: guide.scenario.ts PREFIX PYTHON. PREFIX is where the package was installed
// outside. Throws when something is not as it should be.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'
import {
  blocksOf,
  placePackage,
  runSession,
  sh,
  start,
  step,
  stop,
  writeStartScript,
} from '../support/guide.ts'
import { configurationFile, guideSudoers, lendPython } from '../support/job-queue-tree.ts'

const [installed = '', python = ''] = process.argv.slice(2)
const blocks = blocksOf('install-jobqueue.md')

// The accounts of the machine, but for those that the guides make.
execFileSync('userdel', ['--remove', 'dask'], { stdio: 'ignore' })
for (const user of ['alice', 'bob']) execFileSync('gpasswd', ['--delete', user, 'dask_users'])
lendSharedPython()

await step('the page, to the end of its uninstall', followPage)
await step("the old server's guide", followOldGuide)
process.exit(0)

async function followPage(): Promise<void> {
  const [accounts, check, sudoers, configured] = blocks('sh root')
  sh(accounts)
  placePackage(installed)
  const checked = sh(check)
  assert.match(checked, /^\d+\.\d+\.\d+\n$/, 'a version, and nothing that others may change')
  assert.match(sh(sudoers), /^\{"ok":true,/m)
  const [forSlurm = ''] = blocks('python configuration')
  writeFileSync(configurationFile, forSlurm)
  assert.match(sh(configured), /SlurmBackend/)
  const gateway = await start(blocks('sh start')[0])
  const examined = sh(blocks('sh doctor')[0])
  assert.match(examined, / ok, 0 to look at, 0 failed\n$/, examined)
  runSession(blocks('python session')[0] ?? '', python)
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
  placePackage(installed)
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
  writeStartScript()
  appendFileSync('/etc/hosts', '10.77.0.1 public-address\n')
  const gateway = await start(
    'cd /var/dask-gateway\nsudo -iu dask /opt/dask-gateway/start-dask-gateway\n',
  )
  // "http://public-address", with the port that the guide leaves to who follows it.
  runSession(
    `
>>> from dask_gateway import Gateway
>>> gateway = Gateway("http://public-address:8000")
>>> gateway.list_clusters()
[]
>>> cluster = gateway.new_cluster()
>>> client = cluster.get_client()
>>> cluster.shutdown()
`,
    python,
  )
  await stop(gateway)
  await waitFor('nothing of clusters', () => leftOfClusters().length === 0, 60_000)
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

/** Jobs, and staging directories of clusters. */
function leftOfClusters(): readonly string[] {
  const jobs = execFileSync('squeue', ['--noheader', '--format=%i %j %T'], { encoding: 'utf8' })
  const folder = '/home/alice/.dask-gateway'
  return [...jobs.split('\n').filter(Boolean), ...(existsSync(folder) ? readdirSync(folder) : [])]
}

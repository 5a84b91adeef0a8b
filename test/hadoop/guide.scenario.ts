// Run by guide.test.ts on a machine with Hadoop and Kerberos: guide.scenario.ts PREFIX PYTHON ARCHIVE. PREFIX is where the package was
// installed outside, ARCHIVE a packed environment. `$ command` of the guide is `sh('command')` here. Throws when something is not as it
// should be.
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
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
import { hadoopPlaces } from '../support/hadoop.ts'

const [installed = '', python = '', archive = ''] = process.argv.slice(2)
const { host } = hadoopPlaces
const blocks = blocksOf('install-hadoop.md')

// The guide makes it, and its keys.
sh('userdel --remove dask 2>/dev/null; rm -r /etc/dask-gateway')
sh("KRB5_KDC_PROFILE=/var/lib/kerberos/kdc.conf kadmin.local -q 'delprinc -force dask'")
// Kadmin is not run here, so that the guide's lines go to the database itself.
const kadmin = '#!/bin/sh\nKRB5_KDC_PROFILE=/var/lib/kerberos/kdc.conf exec kadmin.local "$@"\n'
writeFileSync('/usr/local/bin/kadmin', kadmin, { mode: 0o755 })

await step('accounts, folders, software', async () => createPlaces())
await step('keys and configuration', async () => configure())
await step('the packed environment', async () => upload())
const gateway = await start(
  'cd /var/dask-gateway\nsudo -iu dask /opt/dask-gateway/start-dask-gateway\n',
)
await step('validate things are working', async () => validate())
await step('the doctor of our own page', async () => examine())
await stop(gateway)
process.exit(0)

/** "Create a user account" (adduser asks without these two options), "Create install directories", "Install dask-gateway-server". */
function createPlaces(): void {
  sh("adduser --quiet --disabled-password --gecos '' dask")
  sh('mkdir -p /opt/dask-gateway')
  sh('mkdir /etc/dask-gateway')
  sh('mkdir /var/dask-gateway\nchown dask /var/dask-gateway')
  placePackage(installed)
}

/** "Enable kerberos security", and "Example". */
function configure(): void {
  sh(`
# Create the dask principal
kadmin -q "addprinc -randkey dask@DASK.TEST"

# Create the HTTP principal (if not already created)
kadmin -q "addprinc -randkey HTTP/${host}"

# Create a keytab
kadmin -q "xst -norandkey -k /etc/dask-gateway/dask.keytab dask HTTP/${host}"
`)
  sh(`
chown dask /etc/dask-gateway/dask.keytab
chmod 400 /etc/dask-gateway/dask.keytab
`)
  writeFileSync(
    '/etc/dask-gateway/dask_gateway_config.py',
    `# Configure the gateway to use YARN as the backend
c.DaskGateway.backend_class = (
    "dask_gateway_server.backends.yarn.YarnBackend"
)

# Specify the location of the keytab file, and the principal name
c.YarnBackend.keytab = "/etc/dask-gateway/dask.keytab"
c.YarnBackend.principal = "dask"

# Enable Kerberos for user-facing authentication
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.KerberosAuthenticator"
c.KerberosAuthenticator.keytab = "/etc/dask-gateway/dask.keytab"

# Specify location of the archived Python environment
c.YarnClusterConfig.localize_files = {
    'environment': {
        'source': 'hdfs:///dask-gateway/example.tar.gz',
        'visibility': 'public'
    }
}
c.YarnClusterConfig.scheduler_setup = 'source environment/bin/activate'
c.YarnClusterConfig.worker_setup = 'source environment/bin/activate'

# Limit resources for a single worker
c.YarnClusterConfig.worker_memory = '4 G'
c.YarnClusterConfig.worker_cores = 2

# Specify the YARN queue to use
c.YarnClusterConfig.queue = 'dask'

# Increase startup timeouts to 5 min (600 seconds) each
c.YarnClusterConfig.cluster_start_timeout = 600
c.YarnClusterConfig.worker_start_timeout = 600
`,
  )
  writeStartScript()
}

/** "Using an archived environment"; venv-pack, which the guide names beside conda-pack, has made it. */
function upload(): void {
  sh('mkdir /opt/dask-gateway/envs')
  copyFileSync(archive, '/opt/dask-gateway/envs/example.tar.gz')
  sh(`kinit -kt /etc/security/keytabs/hdfs.keytab hdfs/${host}`)
  sh(`
hdfs dfs -mkdir -p /dask-gateway
hdfs dfs -chown dask /dask-gateway
hdfs dfs -chmod 755 /dask-gateway
`)
  sh('hdfs dfs -put /opt/dask-gateway/envs/example.tar.gz /dask-gateway/example.tar.gz')
}

/**
 * "Validate things are working", with the answers that the guide promises; and that scheduler and workers run in the packed environment.
 * "http://public-address" has the port that the guide leaves to who follows it.
 */
function validate(): void {
  const modules = '/opt/kerberos-for-python'
  const module = sh('/usr/bin/python3 -c "import kerberos; print(kerberos.__file__)"').trim()
  mkdirSync(modules)
  symlinkSync(module, join(modules, basename(module)))
  sh('sudo -iu alice kinit -kt /home/alice/alice.keytab alice')
  runSession(
    `
>>> from dask_gateway import Gateway
>>> gateway = Gateway("http://${host}:8000", auth="kerberos")
>>> gateway.list_clusters()
[]
>>> cluster = gateway.new_cluster()
>>> client = cluster.get_client()
>>> cluster.scale(1)
>>> client.submit(sum, [1, 2, 3]).result(timeout=180)
6
>>> def place():
...     import os, sys
...     return os.environ["USER"], os.path.basename(sys.prefix)
>>> client.run_on_scheduler(place), *client.run(place).values()
(('alice', 'environment'), ('alice', 'environment'))
>>> cluster.shutdown()
>>> gateway.list_clusters()
[]
`,
    python,
    modules,
  )
}

function examine(): void {
  const examined = sh(blocks('sh doctor')[0])
  console.log(examined)
  assert.match(examined, /, 0 failed\n$/, examined)
  for (const words of [
    `A ticket for HTTP/${host}`,
    'alice may submit to the queue dask',
    'hdfs:///dask-gateway/example.tar.gz is there',
  ])
    assert.ok(examined.replace(/\s+/g, ' ').toLowerCase().includes(words.toLowerCase()), words)
}

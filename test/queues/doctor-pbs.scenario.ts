// Run by doctor-pbs.test.ts on a machine with test/fakes/pbs-commands: doctor-pbs.scenario.ts PYTHON. Throws when something is not as it
// should be.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import {
  as,
  configurationFile,
  installByGuide,
  spawnAsDask,
  startGateway,
} from '../support/job-queue-tree.ts'

const [python] = process.argv.slice(2)
if (python === undefined) throw new Error('usage: doctor-pbs.scenario.ts PYTHON')

installByGuide(
  `
c.DaskGateway.backend_class = "dask_gateway_server.backends.pbs.PBSBackend"
c.PBSClusterConfig.scheduler_cmd = "~/miniconda/bin/dask-scheduler"
c.PBSClusterConfig.queue = "dask"
`,
  python,
)
const gateway = await startGateway()
try {
  // With copies of files the job's log comes at its end: what the probe finds it tells by its connection.
  for (const copies of ['True', 'False']) {
    const found = await doctor(`--PBSClusterConfig.use_stagein=${copies}`)
    assert.deepEqual(found.failed, [], found.text)
    assert.match(found.sentence('queue: server'), /The server pbs answers/)
    assert.match(found.sentence('probe job'), /^PBS runs a job of alice/)
    assert.match(found.sentence('node to gateway'), /reaches the gateway's API/)
    assert.match(found.sentence('client to node'), /to the probe$/)
    nothingLeft()
  }
  const refused = await doctor('--PBSClusterConfig.queue=nope')
  assert.deepEqual(refused.failed, ['probe job'])
  assert.match(refused.sentence('probe job'), /Unknown queue/)
  nothingLeft()
} finally {
  gateway.kill('SIGTERM')
}
await once(gateway, 'exit')
process.exit(0)

async function doctor(...words: readonly string[]) {
  const command = ['dask-gateway-server', 'doctor', '--json', '-f', configurationFile]
  const child = spawnAsDask(...command, '--user', 'alice', ...words)
  await once(child, 'close')
  const text = child.text()
  const { checks } = JSON.parse(text) as {
    readonly checks: readonly { readonly name: string; result: string; sentence: string }[]
  }
  return {
    text,
    failed: checks.filter(({ result }) => result === 'failed').map(({ name }) => name),
    sentence: (name: string) => checks.find((each) => each.name === name)?.sentence ?? text,
  }
}

function nothingLeft(): void {
  const answer = JSON.parse(as('alice', '/opt/pbs/bin/qstat', '-f', '-F', 'json'))
  assert.deepEqual(Object.keys(answer.Jobs ?? {}), [])
  const places = [
    '/home/alice/.dask-gateway',
    '/var/dask-gateway/dask_gateway.sqlite.d/probes',
  ].filter(existsSync)
  assert.deepEqual(
    places.flatMap((each) => readdirSync(each)),
    [],
  )
}

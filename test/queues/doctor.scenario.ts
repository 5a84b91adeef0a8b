// Run by doctor.test.ts inside a machine with Slurm: `dask-gateway-server doctor` where all is well, and with each hop broken in turn.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, realpathSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { python } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import {
  allowInSudo,
  as,
  configurationFile,
  configure,
  guideSudoers,
  installPackage,
  lendPython,
  prefix,
  spawnAsDask,
  startGateway,
} from '../support/job-queue-tree.ts'
import { daemon, setNode } from '../support/slurm-machine.ts'

const limitMs = 90_000
const launcher = `${prefix}/bin/dask-gateway-jobqueue-launcher`
const probeNotes = '/var/dask-gateway/dask_gateway.sqlite.d/probes'

interface Check {
  readonly name: string
  readonly result: string
  readonly sentence: string
  readonly advice: string | null
  readonly details: readonly string[]
}

before(() => {
  installPackage()
  allowInSudo(guideSudoers)
  lendPython('alice', python)
  configure(`
from dask_gateway_server.options import Options, String
c.DaskGateway.backend_class = "dask_gateway_server.backends.jobqueue.slurm.SlurmBackend"
c.SlurmClusterConfig.scheduler_cmd = "~/miniconda/bin/dask-scheduler"
c.SlurmClusterConfig.worker_cmd = "~/miniconda/bin/dask-worker"
c.SlurmClusterConfig.scheduler_memory = "500 M"
def handler(options):
    return {"scheduler_setup": "source ~/miniconda/bin/activate %s" % options.environment}
c.Backend.cluster_options = Options(String("environment", default="base"), handler=handler)
`)
})

test('before the gateway has ever run', async () => {
  const found = await doctor()
  assert.deepEqual(named(found, 'failed'), [], JSON.stringify(found))
  assert.match(found.of('queue: commands').sentence, /squeue of Slurm \d+\.\d+/)
  assert.match(found.of('queue: controller').sentence, /^Slurmctld\S* at cluster is UP$/)
  assert.match(found.of('queue: site').details.join(), /EnforcePartLimits=NO/)
  assert.match(found.of('sudo').sentence, /sudo lets the launcher act as alice \(uid \d+\)/)
  assert.match(found.of("user's commands").sentence, /\/usr\/bin\/sbatch/)
  assert.match(found.of('staging directory').sentence, /in \/home\/alice\/\.dask-gateway,/)
  assert.match(found.of('probe job').sentence, /as no gateway runs/)
})

describe('beside a gateway', () => {
  let gateway: Awaited<ReturnType<typeof startGateway>>
  before(async () => {
    gateway = await startGateway()
  })
  after(async () => {
    gateway.kill('SIGTERM')
    if (gateway.exitCode === null) await once(gateway, 'exit')
  })

  test('all hops, by a job of the user', async () => {
    const found = await doctor('--probe')
    assert.deepEqual(notOk(found), [], found.text)
    assert.match(found.of('probe job').sentence, /^Slurm runs a job of alice on node n\d: \d+$/)
    assert.match(
      found.of('gateway to node').sentence,
      /reaches ports of node cluster: 10\.77\.0\.1:/,
    )
    assert.match(found.of('node to gateway').sentence, /at http:\/\/cluster:8000\/api$/)
    assert.match(found.of("jobs' Python").sentence, /dask 20.*distributed 20.*dask_gateway 20/)
    assert.match(found.of('client to node').sentence, /comes through .*:8000 to the probe/)
    assert.match(found.of('probe job ended').sentence, /its files are removed/)
    nothingLeft()
  })

  test('jobs that it does not know are listed, and left alone', async () => {
    const headers = { authorization: `Basic ${Buffer.from('alice:').toString('base64')}` }
    const ask = (path: string, init: RequestInit) =>
      fetch(`http://cluster:8000/api/v1/clusters/${path}`, { headers, ...init })
    const made = await ask('', { method: 'POST', body: '{"cluster_options": {}}' })
    const { name } = (await made.json()) as { readonly name: string }
    await waitFor('its job', () => squeue() !== '', limitMs)
    const instance = 'c'.repeat(32)
    for (const job of ['dask-gateway', `dg-${instance}-${'d'.repeat(16)}`]) {
      const options = ['--mem=10', '--output=/dev/null', `--job-name=${job}`, '--wrap=sleep 600']
      as('alice', 'sbatch', ...options)
    }
    const found = await doctor('--no-probe', '--orphans')
    const { details, result } = found.of('orphans')
    assert.equal(result, 'warning', found.text)
    assert.equal(details.length, 2, found.text)
    assert.match(details[0] ?? '', /^clusters of another instance \(c{32}\): job \d+ of alice$/)
    assert.match(details[1] ?? '', /^named as by the old server: job \d+ of alice$/)
    assert.equal(squeue().trimEnd().split('\n').length, 3)
    as('alice', 'scancel', '--user=alice', '--name=dask-gateway')
    as('alice', 'scancel', '--user=alice', `--name=dg-${instance}-${'d'.repeat(16)}`)
    await ask(name, { method: 'DELETE' })
    await waitFor('the queue to be empty', () => squeue() === '', limitMs)
    await waitFor('its files', () => readdirSync('/home/alice/.dask-gateway').length === 0, limitMs)
  })

  test('without a probe, and without a user', async () => {
    const found = await doctor('--no-probe')
    assert.deepEqual([named(found, 'failed'), found.status], [[], 0])
    assert.match(found.of('probe job').sentence, /was submitted/)
    const nobody = await doctor('--user=nobody-here')
    assert.match(nobody.of('user').sentence, /there is no account "nobody-here"/)
    assert.deepEqual(named(nobody, 'failed'), ['user'])
  })

  test('no sudo rule; no member of its group', async () => {
    execFileSync('rm', ['/etc/sudoers.d/dask'])
    const none = await doctor()
    assert.deepEqual([named(none, 'failed'), none.status], [['sudo'], 1])
    assert.match(none.of('sudo').advice ?? '', /There is no rule for .*install deploy\/sudoers/)
    allowInSudo(guideSudoers)
    execFileSync('gpasswd', ['--delete', 'alice', 'dask_users'])
    const other = await doctor()
    execFileSync('usermod', ['-aG', 'dask_users', 'alice'])
    assert.deepEqual(named(other, 'failed'), ['sudo'])
    assert.match(other.of('sudo').advice ?? '', /not for alice.*usermod -aG dask_users alice/)
    assert.match(
      other.of('sudo').details.join('\n'),
      /%dask_users.*\nalice is in the groups alice$/s,
    )
  })

  test('a launcher that others may change', async () => {
    chmodSync(realpathSync(launcher), 0o775)
    const found = await doctor('--no-probe')
    chmodSync(realpathSync(launcher), 0o755)
    assert.deepEqual(named(found, 'failed'), ['launcher'])
    assert.match(found.of('launcher').sentence, /written by others than root \(mode 775\)/)
  })

  test('a staging directory that the user may not write', async () => {
    as('alice', 'chmod', '500', '/home/alice/.dask-gateway')
    const found = await doctor()
    as('alice', 'chmod', '700', '/home/alice/.dask-gateway')
    assert.deepEqual(named(found, 'failed'), ['staging directory'])
    assert.match(found.of('staging directory').sentence, /alice cannot write to \/home\/alice/)
  })

  test('a URL of the API that the node does not reach, or that is of something else', async () => {
    const closed = await doctor('--Backend.api_url=http://cluster:9/api')
    assert.deepEqual(named(closed, 'failed'), ['node to gateway'])
    assert.match(closed.of('node to gateway').sentence, /does not reach .*:9\/api: .*refused/)
    const other = await doctor('--Backend.api_url=http://cluster:8000/other')
    assert.deepEqual(named(other, 'failed'), ['node to gateway'])
    assert.match(
      other.of('node to gateway').sentence,
      /something else than the gateway's API: status 404/,
    )
    nothingLeft()
  })

  test('a job that sbatch refuses, in its words', async () => {
    for (const [partition, words] of [
      ['nope', /invalid partition specified: nope/],
      ['private', /not permitted to use this partition/],
    ] as const) {
      const found = await doctor(`--SlurmClusterConfig.partition=${partition}`)
      assert.deepEqual(named(found, 'failed'), ['probe job'])
      assert.match(found.of('probe job').sentence, words)
      assert.match(found.of('probe job').advice ?? '', /SlurmClusterConfig/)
      nothingLeft()
    }
  })

  test('a Python that is not there, or without Dask', async () => {
    const absent = await doctor('--SlurmClusterConfig.scheduler_cmd=/nowhere/dask-scheduler')
    // That of the machine, on PATH after the setup.
    assert.deepEqual(named(absent, 'failed'), ["jobs' Python"])
    assert.match(absent.of("jobs' Python").sentence, /dask, distributed, dask_gateway are missing/)
    nothingLeft()
  })

  test('a node whose ports the gateway does not reach', async () => {
    // For connections of the gateway's account to what schedulers listen on, and for nothing else.
    const uid = execFileSync('id', ['-u', 'dask'], { encoding: 'utf8' }).trim()
    const ports = ['to', '10.77.0.1', 'ipproto', 'tcp', 'dport', '32768-60999']
    const rule = (...words: readonly string[]) => execFileSync('ip', ['rule', ...words])
    rule('add', 'pref', '10', 'lookup', 'local')
    rule('add', 'pref', '4', 'ipproto', 'tcp', 'sport', '8000', 'lookup', 'local')
    rule('add', 'pref', '5', 'uidrange', `${uid}-${uid}`, ...ports, 'prohibit')
    rule('del', 'pref', '0')
    const found = await doctor()
    rule('add', 'pref', '0', 'lookup', 'local')
    for (const each of ['4', '5', '10']) rule('del', 'pref', each)
    assert.deepEqual(named(found, 'failed'), ['gateway to node'], found.text)
    assert.match(
      found.of('gateway to node').sentence,
      /port \d+ of node cluster, and the gateway does not reach it/,
    )
    assert.match(found.of('gateway to node').details.join(), /^10\.77\.0\.1:\d+: .*EACCES/)
    // The log tells what the connection could not.
    assert.equal(found.of('node to gateway').result, 'ok')
    nothingLeft()
  })

  test('a controller that is away', async () => {
    await daemon('stop', 'slurmctld')
    const found = await doctor()
    await daemon('start', 'slurmctld')
    assert.ok(named(found, 'failed').includes('queue: controller'), found.text)
    assert.match(found.of('queue: controller').sentence, /is DOWN/)
    assert.match(found.of('probe job').sentence, /No probe job was submitted/)
    assert.ok(found.tookMs < 90_000)
  })

  test('no free node, an interruption, a kill: nothing stays', async () => {
    for (const node of ['n0', 'n1']) await setNode(node, 'DRAIN')
    const waits = await doctor()
    assert.deepEqual(named(waits, 'failed'), [])
    assert.match(waits.of('probe job').sentence, /did not begin in time: Waiting in the queue/)
    assert.ok(waits.tookMs < 90_000)
    nothingLeft()

    const interrupted = begin([])
    await waitFor('its job', () => squeue() !== '', limitMs)
    interrupted.kill('SIGINT')
    await once(interrupted, 'exit')
    assert.equal(interrupted.exitCode, 1)
    assert.match(interrupted.text(), /was interrupted/)
    nothingLeft()

    const killed = begin([])
    await waitFor('its job', () => squeue() !== '', limitMs)
    killed.kill('SIGKILL')
    for (const node of ['n0', 'n1']) await setNode(node, 'RESUME')
    const [note = ''] = readdirSync(probeNotes)
    const longAgo = new Date(Date.now() - 3_600_000)
    utimesSync(join(probeNotes, note), longAgo, longAgo)
    assert.deepEqual(named(await doctor(), 'failed'), [])
    nothingLeft()
  })
})

function begin(words: readonly string[]) {
  const user = words.some((word) => word.startsWith('--user')) ? [] : ['--user', 'alice']
  const command = ['dask-gateway-server', 'doctor', '--json', '-f', configurationFile]
  return spawnAsDask(...command, ...user, ...words)
}

async function doctor(...words: readonly string[]) {
  const startMs = performance.now()
  const child = begin(words)
  const [status] = await once(child, 'close')
  const text = child.text()
  const { checks } = JSON.parse(text) as { readonly checks: readonly Check[] }
  const of = (name: string) =>
    checks.find((each) => each.name === name) ?? assert.fail(`no check ${name} in ${text}`)
  return { status: status as number, checks, text, of, tookMs: performance.now() - startMs }
}

type Ran = Awaited<ReturnType<typeof doctor>>

function named({ checks }: Ran, result: string): readonly string[] {
  return checks.filter((each) => each.result === result).map(({ name }) => name)
}

const notOk = (found: Ran) => [...named(found, 'warning'), ...named(found, 'failed')]

function squeue(): string {
  return execFileSync('squeue', ['--noheader'], { encoding: 'utf8' })
}

/** No job, no directory, no note of a probe. */
function nothingLeft(): void {
  assert.doesNotMatch(squeue(), / (R|PD) /)
  const places = ['/home/alice/.dask-gateway', probeNotes].filter(existsSync)
  assert.deepEqual(
    places.flatMap((each) => readdirSync(each)),
    [],
  )
}

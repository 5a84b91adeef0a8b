import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { python } from '../e2e/harness.ts'
import { waitFor } from '../fakes/wait-for.ts'
import { runInSlurmMachine } from '../support/slurm-machine.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root'
const machine = join(import.meta.dirname, '../../scripts/slurm/machine')

test('nothing is left of a machine with Slurm', { skip }, async () => {
  const before = surroundings()
  const { status, stdout, stderr } = await runInSlurmMachine(
    [
      'sh',
      '-c',
      'sinfo --noheader --format=%D --partition=batch; touch /tmp/of-the-machine; readlink /proc/self/ns/pid',
    ],
    { nodes: 3 },
  )
  assert.deepEqual([status, stderr], [0, ''])
  const [nodes, space = ''] = stdout.split('\n')
  assert.deepEqual([nodes, space.startsWith('pid:')], ['3', true])
  assert.ok(!spaces().includes(space))
  assert.deepEqual(surroundings(), before)
})

test('nothing is left when who started it is killed', { skip }, async () => {
  const before = surroundings()
  const words = 'readlink /proc/self/ns/pid; exec sleep 600'
  const starter = spawn('sh', ['-c', '"$0" sh -c "$1"; true', machine, words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [space] = await once(createInterface(starter.stdout), 'line')
  assert.ok(spaces().includes(space), space)
  starter.kill('SIGKILL')
  await waitFor('all of it to end', () => !spaces().includes(space), 30_000)
  assert.deepEqual(surroundings(), before)
})

test('PrivateData hides the jobs of others', { skip }, async () => {
  const words =
    'setpriv --reuid=alice --regid=alice --init-groups sbatch --chdir=/tmp --hold --wrap id; setpriv --reuid=bob --regid=bob --init-groups squeue --noheader'
  const { status, stdout } = await runInSlurmMachine(['sh', '-c', words], {
    nodes: 1,
    lines: ['PrivateData=jobs'],
  })
  assert.deepEqual([status, stdout], [0, 'Submitted batch job 1\n'])
})

test('the scripts of the machine refuse to run on any other', { skip }, async () => {
  for (const name of ['up', 'down', 'daemon']) {
    const child = spawn(join(machine, '..', name), { stdio: ['ignore', 'ignore', 'pipe'] })
    const said = Buffer.concat(await child.stderr.toArray()).toString()
    assert.match(said, /is only for the machine that/)
  }
})

test('the demo is a prompt of an ordinary user with a gateway, and nothing is left of it', {
  skip,
}, () => {
  const before = surroundings()
  const { status, stdout, stderr } = spawnSync(join(machine, '../demo'), {
    ...{ encoding: 'utf8', timeout: 240_000, killSignal: 'SIGKILL' },
    input: 'import getpass; print(getpass.getuser(), gateway.list_clusters())\n',
    env: { ...process.env, DASK_GATEWAY_TEST_PYTHON: python },
  })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /cluster = gateway\.new_cluster\(\)/)
  assert.match(stdout, /^alice \[\]$/m)
  assert.doesNotMatch(stderr, /[Uu]nclosed|Error|Warning/)
  assert.deepEqual(surroundings(), before)
})

/** What a machine could leave beside processes: accounts, folders, ports of Slurm, mounts. */
function surroundings() {
  const places = ['/run/munge', '/run/slurm', '/run/slurm-machine', '/var/lib/slurm/slurmctld']
  return {
    accounts: ['passwd', 'group', 'hosts', 'hostname'].map((name) => read(join('/etc', name))),
    places: [...places, '/home/alice', '/etc/slurm/slurm.conf', '/tmp/of-the-machine'].map(
      existsSync,
    ),
    ports: read('/proc/net/tcp')
      .split('\n')
      .filter((line) => /:(1AA[0-9A-F]) 0{8}:0000 0A/.test(line)).length,
    mounts: read('/proc/self/mounts'),
  }
}

/** The process spaces in which anything runs. */
function spaces(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readlinkSync(`/proc/${pid}/ns/pid`)] : []
    } catch {
      return [] // it has ended
    }
  })
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

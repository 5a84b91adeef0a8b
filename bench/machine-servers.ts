import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ask } from '../test/support/ask.ts'
import { freePort } from '../test/support/free-port.ts'
import { asUser } from '../test/support/machine.ts'
import { installGateway } from '../test/support/queue-gateway.ts'
import { daskPython, root } from './bench.ts'
import { databaseKey, type Kind } from './servers.ts'

// Both servers inside a machine with a real queue, for slurm/inside.ts and hadoop/inside.ts.

/** A server that the account dask runs, for the ordinary user alice. */
export interface MachineServer {
  readonly kind: Kind
  readonly url: string
  readonly process: ChildProcess
}

export interface MachineServersOptions {
  /** Of the environment that the old server is in. */
  readonly oldPython: string
  /** More lines of the Python configuration, in which `settings(kind)` gives those of one kind of cluster. */
  readonly configuration: (kind: Kind) => string
}

/** As machine_client.py knows them. */
export type Queue = 'slurm' | 'yarn'

/** Installs ours and starts both. */
export async function startBoth(
  options: MachineServersOptions,
): Promise<{ readonly [kind in Kind]: MachineServer }> {
  installGateway()
  return { old: await start('old', options), ours: await start('ours', options) }
}

async function start(kind: Kind, options: MachineServersOptions): Promise<MachineServer> {
  const directory = `/var/gateways/${kind}`
  execFileSync('install', ['-d', '-o', 'dask', '-g', 'dask', '-m', '755', directory])
  const [port, privatePort] = [await freePort(), await freePort()]
  const file = join(directory, 'config.py')
  const places = commonConfiguration(directory, port, privatePort)
  writeFileSync(file, `${places}${options.configuration(kind)}${clusterKinds}`)
  const bin = kind === 'ours' ? '/opt/dask-gateway/bin' : dirname(options.oldPython)
  const log = openSync(join(directory, 'log'), 'a')
  const identity = ['--reuid=dask', '--regid=dask', '--init-groups']
  const command = [...identity, join(bin, 'dask-gateway-server'), '-f', file]
  const child = spawn('setpriv', command, {
    cwd: directory,
    stdio: ['ignore', log, log],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home/dask', LANG: 'C.UTF-8' },
  })
  const url = `http://10.77.0.1:${port}`
  const until = performance.now() + 60_000
  while ((await ask(`${url}/api/version`).catch(() => null))?.status !== 200) {
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`${kind} does not answer:\n${readFileSync(join(directory, 'log'), 'utf8')}`)
    await delay(20)
  }
  return { kind, url, process: child }
}

export async function stop({ process }: MachineServer): Promise<void> {
  const ended = once(process, 'exit')
  process.kill('SIGTERM')
  await Promise.race([ended, delay(30_000, undefined, { ref: false })])
}

/** Records are in a file with encrypted secrets in both, so they are equally durable. */
function commonConfiguration(directory: string, port: number, privatePort: number): string {
  const dask = join(dirname(daskPython), 'dask')
  return `
from dask_gateway_server.options import Options, String
c.Proxy.address = "10.77.0.1:${port}"
c.DaskGateway.address = "127.0.0.1:${privatePort}"
c.DBBackendBase.db_url = "sqlite:///${directory}/records.sqlite"
c.DBBackendBase.db_encrypt_keys = ["${databaseKey}"]
c.DBBackendBase.worker_start_timeout = 86400
c.ClusterConfig.scheduler_cmd = ["${dask}", "scheduler"]
c.ClusterConfig.worker_cmd = ["${dask}", "worker"]
`
}

const clusterKinds = `
c.Backend.cluster_options = Options(String("kind", default="real"), handler=lambda options: settings(options.kind))
`

/** Settings, in Python, of workers that only sleep. The old server puts words into its script as they are. */
export function sleepingWorkers(kind: Kind): string {
  return `{"worker_cmd": ${kind === 'ours' ? '"sleep 600 #"' : '["sleep 600 #"]'}, "worker_memory": "10 M"}`
}

/** The unmodified client, of alice. */
export function clientCommand(
  { url }: MachineServer,
  queue: Queue,
  what: string,
): readonly [string, ...string[]] {
  const [program = '', ...identity] = asUser('alice')
  const client = join(root, 'bench/machine_client.py')
  return [program, ...identity, daskPython, '-I', client, url, queue, what]
}

/** What it tells of one kind of cluster, in milliseconds. */
export async function client(
  server: MachineServer,
  queue: Queue,
  what: string,
): Promise<{ readonly [name: string]: number }> {
  const [program, ...args] = clientCommand(server, queue, what)
  const { stdout } = await promisify(execFile)(program, args, { timeout: 400_000 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

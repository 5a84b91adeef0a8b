import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../test/support/free-port.ts'
import { daskPython, oldPython, root } from '../bench.ts'
import { type Kind, kinds } from '../servers.ts'

/** A server with SlurmBackend, run by the account dask inside a machine with Slurm. */
export interface SlurmServer {
  readonly kind: Kind
  readonly url: string
  readonly process: ChildProcess
}

/** When sbatch was begun last. */
export const submitMark = '/run/marks/submit'
export const marks = '/run/marks'

const app = '/opt/dask-gateway'
const launchers: { readonly [kind in Kind]: string } = {
  old: join(dirname(oldPython), 'dask-gateway-jobqueue-launcher'),
  ours: `${app}/bin/dask-gateway-jobqueue-launcher`,
}

/** Both, as their guides have it. */
export async function startBoth(): Promise<{ readonly [kind in Kind]: SlurmServer }> {
  mkdirSync(join(app, 'node_modules'), { recursive: true })
  for (const part of ['bin', 'dist', 'python', 'package.json'])
    cpSync(join(root, part), join(app, part), { recursive: true })
  execFileSync('chown', ['-R', 'root:root', app])
  execFileSync('mount', ['--bind', join(root, 'node_modules'), join(app, 'node_modules')])
  mkdirSync('/opt/noted')
  const noted = `#!/bin/sh\ndate +%s.%N >${submitMark}\nexec /usr/bin/sbatch "$@"\n`
  writeFileSync('/opt/noted/sbatch', noted, { mode: 0o755 })
  execFileSync('install', ['-d', '-m', '777', marks])
  writeFileSync(submitMark, '')
  execFileSync('chmod', ['666', submitMark])
  const rules = kinds.map((kind) => `dask ALL=(%dask_users,!root) NOPASSWD:${launchers[kind]}\n`)
  writeFileSync('/etc/sudoers.d/dask', rules.join(''), { mode: 0o440 })
  return { old: await start('old'), ours: await start('ours') }
}

async function start(kind: Kind): Promise<SlurmServer> {
  const directory = `/var/${kind}`
  execFileSync('install', ['-d', '-o', 'dask', '-g', 'dask', '-m', '755', directory])
  const [port, privatePort] = [await freePort(), await freePort()]
  const file = join(directory, 'config.py')
  writeFileSync(file, configuration(kind, port, privatePort))
  const program =
    kind === 'ours'
      ? `${app}/bin/dask-gateway-server`
      : join(dirname(oldPython), 'dask-gateway-server')
  const log = openSync(join(directory, 'log'), 'a')
  const identity = ['--reuid=dask', '--regid=dask', '--init-groups']
  const child = spawn('setpriv', [...identity, program, '-f', file], {
    cwd: directory,
    stdio: ['ignore', log, log],
    env: { PATH: '/usr/bin:/bin', HOME: '/home/dask', LANG: 'C.UTF-8' },
  })
  const url = `http://10.77.0.1:${port}`
  const until = performance.now() + 60_000
  while ((await fetch(`${url}/api/version`).catch(() => null))?.ok !== true) {
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`${kind} does not answer:\n${readFileSync(join(directory, 'log'), 'utf8')}`)
    await delay(20)
  }
  return { kind, url, process: child }
}

export async function stop({ process }: SlurmServer): Promise<void> {
  const ended = once(process, 'exit')
  process.kill('SIGTERM')
  await Promise.race([ended, delay(30_000, undefined, { ref: false })])
}

function configuration(kind: Kind, port: number, privatePort: number): string {
  const dask = join(dirname(daskPython), 'dask')
  return `
from dask_gateway_server.options import Options, String
c.DaskGateway.backend_class = "dask_gateway_server.backends.jobqueue.slurm.SlurmBackend"
c.Proxy.address = "10.77.0.1:${port}"
c.DaskGateway.address = "127.0.0.1:${privatePort}"
c.SlurmBackend.db_url = "sqlite:////var/${kind}/records.sqlite"
c.SlurmBackend.db_encrypt_keys = ["${Buffer.alloc(32, 'bench').toString('base64')}"]
c.SlurmBackend.dask_gateway_jobqueue_launcher = "${launchers[kind]}"
c.SlurmBackend.submit_command = "/opt/noted/sbatch"
c.SlurmBackend.worker_start_timeout = 86400
c.SlurmClusterConfig.scheduler_cmd = ["${dask}", "scheduler"]
c.SlurmClusterConfig.worker_cmd = ["${dask}", "worker"]
c.SlurmClusterConfig.scheduler_memory = "300 M"
c.SlurmClusterConfig.worker_memory = "300 M"
c.SlurmClusterConfig.environment = {"BENCH_MARKS": "${marks}"}

def settings(options):
    kind = options.kind
    if kind == "instant":
        return {"scheduler_cmd": ["/usr/bin/python3", "-IS", "${join(root, 'bench/instant_scheduler.py')}"]}
    if kind == "refused":
        return {"partition": "nope"}
    if kind == "dying":
        return {"scheduler_setup": "echo it is broken; exit 3"}
    if kind.startswith("sleeping"):
        # The old server puts words into its script as they are.
        return {"worker_cmd": ${kind === 'ours' ? '"sleep 600 #"' : '["sleep 600 #"]'}, "worker_memory": "10 M"}
    return {}

c.Backend.cluster_options = Options(String("kind", default="real"), handler=settings)
`
}

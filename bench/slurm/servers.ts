import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { asUser } from '../../test/support/machine.ts'
import { launcher } from '../../test/support/queue-gateway.ts'
import { oldPython, root } from '../bench.ts'
import { type MachineServer, sleepingWorkers, startBoth } from '../machine-servers.ts'
import { type Kind, kinds } from '../servers.ts'

/** When sbatch was begun last. */
export const submitMark = '/run/marks/submit'
export const marks = '/run/marks'

const launchers: { readonly [kind in Kind]: string } = {
  old: join(dirname(oldPython), 'dask-gateway-jobqueue-launcher'),
  ours: launcher,
}

/** Has it run squeue for alice, as the gateway does; returns how long that took, in milliseconds. */
export function callLauncher(kind: Kind): number {
  const asked = {
    old: { action: 'stop', cmd: ['squeue', '--noheader'], env: { PATH: '/usr/bin:/bin' } },
    ours: { verb: 'status', manager: 'slurm' },
  }
  const [program = '', ...identity] = asUser('dask')
  const args = [...identity, 'sudo', '-n', '-H', '-u', 'alice', launchers[kind]]
  const begun = performance.now()
  const input = JSON.stringify(asked[kind])
  const answer = JSON.parse(execFileSync(program, args, { input, encoding: 'utf8' }))
  const tookMs = performance.now() - begun
  if (answer.returncode !== 0) throw new Error(`the ${kind} launcher answered ${answer.error}`)
  return tookMs
}

/** Both with SlurmBackend, as their guides have it. */
export function startBothOnSlurm(): Promise<{ readonly [kind in Kind]: MachineServer }> {
  mkdirSync('/opt/noted')
  const noted = `#!/bin/sh\ndate +%s.%N >${submitMark}\nexec /usr/bin/sbatch "$@"\n`
  writeFileSync('/opt/noted/sbatch', noted, { mode: 0o755 })
  execFileSync('install', ['-d', '-m', '777', marks])
  writeFileSync(submitMark, '')
  execFileSync('chmod', ['666', submitMark])
  const rules = kinds.map((kind) => `dask ALL=(%dask_users,!root) NOPASSWD:${launchers[kind]}\n`)
  writeFileSync('/etc/sudoers.d/dask', rules.join(''), { mode: 0o440 })
  return startBoth({ oldPython, configuration })
}

function configuration(kind: Kind): string {
  return `
c.DaskGateway.backend_class = "dask_gateway_server.backends.jobqueue.slurm.SlurmBackend"
c.SlurmBackend.dask_gateway_jobqueue_launcher = "${launchers[kind]}"
c.SlurmBackend.submit_command = "/opt/noted/sbatch"
c.SlurmClusterConfig.scheduler_memory = "300 M"
c.SlurmClusterConfig.worker_memory = "300 M"
c.SlurmClusterConfig.environment = {"BENCH_MARKS": "${marks}"}

def settings(kind):
    if kind == "instant":
        return {"scheduler_cmd": ["/usr/bin/python3", "-IS", "${join(root, 'bench/instant_scheduler.py')}"]}
    if kind == "refused":
        return {"partition": "nope"}
    if kind == "dying":
        return {"scheduler_setup": "echo it is broken; exit 3"}
    if kind.startswith("sleeping"):
        return ${sleepingWorkers(kind)}
    return {}
`
}

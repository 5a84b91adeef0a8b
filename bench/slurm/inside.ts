// Run by bench/rows/slurm.ts inside a machine with Slurm: ROUNDS. Prints the figures as a line of JSON, its last.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { ask } from '../../test/support/ask.ts'
import { asUser } from '../load.ts'
import { client, clientCommand, type MachineServer, stop } from '../machine-servers.ts'
import { cpuSecondsEver, treeOf } from '../processes.ts'
import { type Figure, quantile } from '../row.ts'
import { kinds } from '../servers.ts'
import { callLauncher, marks, startBothOnSlurm, submitMark } from './servers.ts'

const rounds = Number(process.argv[2])
const servers = await startBothOnSlurm()
// The first job after the start of a controller waits for three seconds.
execFileSync('srun', ['--mem=10', 'true'])

const wanted = {
  runningMs: { what: '`new_cluster()` until it is RUNNING, ms', goal: 1 },
  workerMs: { what: '`scale(1)` until the worker is connected, ms', goal: 1 },
  ownMs: { what: "of a cluster's start, the server's own share, ms", limit: 150 },
  launcherMs: { what: 'one call of the launcher, for squeue, ms', goal: 3 },
  bulkMs: { what: '`scale(100)` until the last job is accepted, ms', goal: 20 },
  refusedMs: { what: 'a refused submit is told, ms', limit: 1000 },
  dyingMs: { what: 'a scheduler that dies at once is told, ms', limit: 5000 },
  statusMs: { what: 'CPU of a look at 1,000 jobs, ms', limit: 50 },
} as const
type Name = keyof typeof wanted
const samples: { readonly kind: string; readonly name: Name; readonly value: number }[] = []
const note = (kind: string, values: { readonly [name: string]: number }) => {
  for (const [name, value] of Object.entries(values))
    samples.push({ kind, name: name as Name, value })
  console.log(kind, JSON.stringify(values))
}

for (let round = 0; round < rounds; round += 1)
  for (const kind of kinds) {
    const server = servers[kind]
    for (const what of ['real', 'refused', 'dying']) note(kind, await client(server, 'slurm', what))
    note(kind, { ownMs: await ownShare(server), launcherMs: callLauncher(kind) })
    await emptyQueue()
  }
await looks(servers.ours)
await emptyQueue()
// A minute or two each in the old server.
for (let round = 0; round < Math.min(rounds, 3); round += 1)
  for (const kind of kinds) {
    note(kind, await client(servers[kind], 'slurm', 'sleeping100'))
    await emptyQueue()
  }
await stop(servers.old)
await stop(servers.ours)

const figures = (Object.keys(wanted) as Name[]).map((name): Figure => {
  const medians: { [kind: string]: number } = {}
  for (const kind of kinds) {
    const values = samples.flatMap((each) =>
      each.kind === kind && each.name === name ? each.value : [],
    )
    if (values.length > 0) medians[kind] = quantile(values, 0.5)
  }
  return { better: 'less', ...wanted[name], medians }
})
console.log(JSON.stringify(figures))
process.exit(0)

/** Until sbatch is begun, and from the first heartbeat on. Between them lie Slurm and the start of Python. */
async function ownShare({ url }: MachineServer): Promise<number> {
  const headers = { ...asUser('alice'), 'content-type': 'application/json' }
  const clusters = `${url}/api/v1/clusters/`
  const begun = Date.now()
  const body = '{"cluster_options": {"kind": "instant"}}'
  const made = await ask(clusters, { method: 'POST', headers, body })
  const { name } = JSON.parse(made.text)
  let text = ''
  for (;;) {
    text = (await ask(`${clusters}${name}?wait`, { headers })).text
    const { status } = JSON.parse(text)
    if (status === 'RUNNING') break
    if (status !== 'PENDING') throw new Error(`the cluster is ${status}`)
    await delay(500)
  }
  const running = Date.now()
  const submitted = Number(readFileSync(submitMark, 'utf8')) * 1000
  const { sent } = JSON.parse(readFileSync(join(marks, name), 'utf8'))
  await ask(`${clusters}${name}`, { method: 'DELETE', headers })
  return submitted - begun + running - sent * 1000
}

async function emptyQueue(): Promise<void> {
  const left = () => execFileSync('squeue', ['--noheader'], { encoding: 'utf8' })
  const until = performance.now() + 20_000
  while (left() !== '') {
    // The old server leaves some behind.
    if (performance.now() > until) execFileSync('scancel', ['--user=alice'])
    await delay(200)
  }
}

/** Workers that never connect have the queue looked at every two seconds. */
async function looks(server: MachineServer): Promise<void> {
  const [program, ...args] = clientCommand(server, 'slurm', 'sleeping1000')
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(createInterface(child.stdout), 'line')
  await delay(5000)
  for (let round = 0; round < rounds; round += 1) {
    const before = cpuSecondsEver(treeOf(server.process.pid ?? 0))
    const begun = performance.now()
    await delay(10_000)
    const cpu = cpuSecondsEver(treeOf(server.process.pid ?? 0)) - before
    const count = (performance.now() - begun) / 2050
    note('ours', { statusMs: (cpu / count) * 1000 })
  }
  child.stdin.end('\n')
  await once(child, 'exit')
}

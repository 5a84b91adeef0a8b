// Run by bench/rows/hadoop.ts inside a machine with Hadoop: ROUNDS. Prints the figures as a line of JSON, its last.

import { setTimeout as delay } from 'node:timers/promises'
import { waitFor } from '../../test/fakes/wait-for.ts'
import { ask } from '../../test/support/ask.ts'
import { hadoopPlaces } from '../../test/support/hadoop.ts'
import { client, type MachineServer, stop } from '../machine-servers.ts'
import { megabytesAlone, proportionalMegabytes, treeOf } from '../processes.ts'
import { type Figure, inRounds } from '../row.ts'
import { startBothOnYarn } from './servers.ts'

const rounds = Number(process.argv[2])
const { resourceManagerWeb, nodeManagerWeb } = hadoopPlaces
const scheduler =
  'org.apache.hadoop.yarn.server.resourcemanager.scheduler.capacity.CapacityScheduler'

/** Whether the ResourceManager's log has a line for each request of containers, as machine_client.py counts them. */
async function logRequests(are: boolean): Promise<void> {
  const words = new URLSearchParams({ log: scheduler, level: are ? 'DEBUG' : 'INFO' })
  const { status, text } = await ask(`${resourceManagerWeb}/logLevel?${words}`)
  if (status !== 200) throw new Error(`its log's level cannot be set: ${text}`)
}

async function noContainers(): Promise<void> {
  const left = async () => (await ask(`${nodeManagerWeb}/ws/v1/node/containers`)).text
  await waitFor(
    'no container to be left',
    async () => !(await left()).includes('"RUNNING"'),
    60_000,
  )
}

/** Both are asked for nothing before their memory is looked at. */
const idleMs = 150_000

const servers = await startBothOnYarn()
// The first cluster on new daemons waits for their Java to load; and what a server keeps is measured after it has worked.
for (const server of Object.values(servers)) await client(server, 'yarn', 'real')
const figures = await inRounds(
  { rounds },
  servers,
  {
    runningMs: { what: '`new_cluster()` until it is RUNNING, ms', better: 'less', goal: 2 },
    workerMs: {
      what: '`scale(1)` until the worker is connected, ms',
      better: 'less',
      limit: 4000,
    },
    bulkMs: { what: '`scale(20)` until the last container runs, ms', better: 'less' },
    requests: { what: '`scale(20)`: requests to YARN', better: 'less', limit: 1 },
  },
  async (server, name) => {
    await noContainers()
    const real = await client(server, 'yarn', 'real')
    await noContainers()
    await logRequests(true)
    const sleeping = await client(server, 'yarn', 'sleeping20')
    await logRequests(false)
    const sample = { ...real, ...sleeping }
    console.log(name, JSON.stringify(sample))
    return sample
  },
)
await noContainers()
await delay(idleMs)
const memory = (of: (pids: readonly number[]) => number) => {
  const megabytes = ({ process: { pid = 0 } }: MachineServer) => of(treeOf(pid))
  return {
    better: 'less',
    medians: { old: megabytes(servers.old), ours: megabytes(servers.ours) },
  } as const
}
const memories: readonly Figure[] = [
  {
    what: 'proportional memory of server, proxy and helpers, MB',
    goal: 3,
    ...memory(proportionalMegabytes),
  },
  { what: 'the same, with nothing shared with others, MB', ...memory(megabytesAlone) },
]
await stop(servers.old)
await stop(servers.ours)
console.log(JSON.stringify([...figures, ...memories]))
process.exit(0)

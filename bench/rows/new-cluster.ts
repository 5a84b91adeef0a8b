import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { daskPython, root } from '../bench.ts'
import { inRounds, type Row } from '../row.ts'
import { startBoth } from '../servers.ts'

export const newCluster: Row = {
  name: 'new-cluster',
  title: '`new_cluster()` and `scale(4)`',
  note: 'The unmodified client and real Dask processes, of the same Python environment for both. Nearly all of it is the start of Python.',
  async measure(bench) {
    const servers = await startBoth(bench, {
      backend: 'local',
      config: 'c.ClusterConfig.worker_memory = "256 M"',
    })
    const figures = {
      runningMs: { what: '`new_cluster()` until it is RUNNING, ms', better: 'less', goal: 1 },
      scaleMs: { what: '`scale(4)` until four workers are connected, ms', better: 'less', goal: 1 },
    } as const
    return inRounds(bench, servers, figures, async (server) => {
      const options = { timeout: 240_000, signal: bench.signal }
      const parameters = ['-I', join(root, 'bench/client.py'), server.url]
      const { stdout } = await promisify(execFile)(daskPython, parameters, options)
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    })
  },
}

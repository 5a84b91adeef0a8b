import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../bench.ts'
import type { Row } from '../row.ts'

export const slurm: Row = {
  name: 'slurm',
  title: 'Clusters on Slurm',
  note: `Both on one real Slurm (22.05, two nodes of 16 cores on this machine), as its guide has it: launcher by sudo, jobs as an ordinary
user, the unmodified client. Own share: from \`POST clusters\` until sbatch begins, and from the first heartbeat until the client knows
RUNNING. \`scale(100)\`: with workers that only sleep, as seen in squeue, three samples each. The CPU of a look is that of gateway, proxy and squeue, of
a cluster with 1,000 jobs of which most wait.`,
  async measure(bench) {
    const inside = [process.execPath, join(root, 'bench/slurm/inside.ts'), String(bench.rounds)]
    const options = { timeout: 40 * 60_000, signal: bench.signal, maxBuffer: 1 << 26 }
    const machine = join(root, 'scripts/slurm/machine')
    const { stdout } = await promisify(execFile)(machine, inside, options)
    process.stdout.write(stdout)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  },
}

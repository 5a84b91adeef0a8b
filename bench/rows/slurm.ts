import { join } from 'node:path'
import { root } from '../bench.ts'
import { inMachine } from '../in-machine.ts'
import type { Row } from '../row.ts'

export const slurm: Row = {
  name: 'slurm',
  title: 'Clusters on Slurm',
  note: `Both on one real Slurm (22.05, two nodes of 16 cores on this machine), as its guide has it: launcher by sudo, jobs as an ordinary
user, the unmodified client. Own share: from \`POST clusters\` until sbatch begins, and from the first heartbeat until the client knows
RUNNING. \`scale(100)\`: with workers that only sleep, as seen in squeue, three samples each. The CPU of a look is that of gateway, proxy and squeue, of
a cluster with 1,000 jobs of which most wait.`,
  measure: (bench) =>
    inMachine(bench, join(root, 'scripts/slurm/machine'), 'slurm/inside.ts', [bench.rounds]),
}

import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// What goes wrong on a real Slurm, as two ordinary users; slurm-faults.scenario.ts runs inside its machine.
const lines = [
  // The memory of jobs is watched without cgroups.
  ...['JobAcctGatherType=jobacct_gather/linux', 'JobAcctGatherFrequency=task=1'],
  'JobAcctGatherParams=OverMemoryKill',
]
testsInSlurmMachine(join(import.meta.dirname, 'slurm-faults.scenario.ts'), { lines })

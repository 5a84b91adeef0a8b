import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// Many workers, and a limit of jobs, on a real Slurm; slurm-bulk.scenario.ts runs inside its machine.
testsInSlurmMachine(join(import.meta.dirname, 'slurm-bulk.scenario.ts'), {
  ...{ nodes: 4, jobsPerUser: 130 },
})

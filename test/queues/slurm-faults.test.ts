import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// What goes wrong on a real Slurm, as two ordinary users; slurm-faults.scenario.ts runs inside its machine.
testsInSlurmMachine(join(import.meta.dirname, 'slurm-faults.scenario.ts'))

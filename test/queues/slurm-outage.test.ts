import { join } from 'node:path'
import { testsInSlurmMachine } from '../support/slurm-machine.ts'

// A real Slurm whose controller is down for a while; slurm-outage.scenario.ts runs inside its machine.
testsInSlurmMachine(join(import.meta.dirname, 'slurm-outage.scenario.ts'))
